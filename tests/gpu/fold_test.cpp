#include "gpu/fold.hpp"

#include <cmath>

#include "tests/catch.hpp"

namespace hebb::cuda {
namespace {

template <class Op>
struct FoldBody {
  static constexpr int phases = 3;
  using Shared = Fold<Op>;
  using Local = Nothing;
  const double* x;
  double* y;
  void phase(int p, const Thread& t, Shared& shared, Local&) const {
    if (p == 0) return shared.put(t, x[t.block * t.count + t.index]);
    if (p == 1) return shared.fold(t);
    y[t.block * t.count + t.index] = shared.total();  // every thread knows it
  }
};

template <class Op>
std::vector<double> fold(const std::vector<double>& x, int threads) {
  std::vector<double> y(x.size());
  for_blocks(Stream{}, int64_t(x.size()) / threads, threads, FoldBody<Op>{x.data(), y.data()});
  return y;
}

TEST_CASE("threads' numbers become the block's", "[gpu]") {
  for (const int threads : {16, 32, 64, 256}) {
    std::vector<double> x;
    for (int i = 0; i < 2 * threads; ++i) x.push_back(i * 37 % 101 - 50);
    for (const bool backwards : {false, true}) {
      run_backwards = backwards;
      for (int block = 0; block < 2; ++block) {
        const std::vector<double> part(x.begin() + block * threads,
                                       x.begin() + (block + 1) * threads);
        double sum = 0, most = part[0], least = part[0];
        for (const double value : part)
          sum += value, most = std::max(most, value), least = std::min(least, value);
        for (int i = 0; i < threads; ++i) {
          CHECK(fold<Sum>(x, threads)[size_t(block * threads + i)] == sum);
          CHECK(fold<Larger>(x, threads)[size_t(block * threads + i)] == most);
          CHECK(fold<Smaller>(x, threads)[size_t(block * threads + i)] == least);
        }
      }
    }
    run_backwards = false;
    for (const int at : {0, 5, threads - 1}) {
      std::vector<double> y(size_t(threads), 1.0);
      y[size_t(at)] = std::nan("");
      CHECK(std::isnan(fold<Larger>(y, threads)[0]));
    }
  }
}

}  // namespace
}  // namespace hebb::cuda
