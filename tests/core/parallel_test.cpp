#include "core/parallel.hpp"

#include <atomic>
#include <chrono>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/backend.hpp"
#include "core/error.hpp"
#include "core/ops/ops.hpp"
#include "tests/catch.hpp"

namespace hebb {
namespace {

struct Threads {  // restores the number of threads
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(previous); }
  int previous = num_threads();
};

using Pieces = std::set<std::pair<int64_t, int64_t>>;

Pieces pieces(int64_t n, int64_t grain) {
  Pieces result;
  std::mutex mutex;
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    CHECK(result.emplace(begin, end).second);
  });
  return result;
}

// Half of the smallest normal number, worked out at run time: 0 where subnormals are flushed.
float half_of_smallest() {
  volatile float smallest = std::numeric_limits<float>::min();
  return smallest * 0.5f;
}

}  // namespace

TEST_CASE("pieces do not depend on the number of threads", "[core]") {
  const Pieces expected{{0, 4}, {4, 8}, {8, 10}};
  for (const int n : {1, 2, 5}) {
    const Threads threads(n);
    CHECK(num_threads() == n);
    CHECK(pieces(10, 4) == expected);
    CHECK(pieces(8, 4) == Pieces{{0, 4}, {4, 8}});
    CHECK(pieces(3, 4) == Pieces{{0, 3}});
    CHECK(pieces(0, 4).empty());
    CHECK(pieces(-1, 4).empty());
    CHECK(pieces(1000, 1).size() == 1000);
  }
  CHECK_THROWS_AS(set_num_threads(0), ValueError);
}

TEST_CASE("work is shared between threads", "[core]") {
  const Threads threads(2);
  std::set<std::thread::id> seen;
  std::mutex mutex;
  std::atomic<int> waiting{0};
  // Each of two pieces waits for the other to begin: one thread alone would not end in time.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  parallel_for(2, 1, [&](int64_t, int64_t) {
    ++waiting;
    while (waiting < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  CHECK(seen.size() == 2);
}

TEST_CASE("a piece and a serial scope may use one thread", "[core]") {
  const Threads threads(3);
  CHECK(detail::usable_threads() == 3);
  {
    const SerialScope serial;
    CHECK(detail::usable_threads() == 1);
  }
  std::atomic<int> most{0};
  parallel_for(4, 1, [&](int64_t, int64_t) {
    if (detail::usable_threads() > most) most = detail::usable_threads();
  });
  CHECK(most == 1);
  CHECK(detail::usable_threads() == 3);
}

TEST_CASE("an exception of a piece reaches the caller after the others are done", "[core]") {
  for (const int n : {2, 4}) {
    const Threads threads(n);
    std::atomic<int> done{0};
    CHECK_THROWS_WITH(parallel_for(100, 1,
                                   [&](int64_t begin, int64_t) {
                                     ++done;
                                     if (begin == 50) throw std::runtime_error("piece 50");
                                   }),
                      "piece 50");
    CHECK(done == 100);
    CHECK(pieces(10, 4).size() == 3);  // the pool still works
  }
}

TEST_CASE("calls from inside a piece run serially", "[core]") {
  const Threads threads(3);
  std::atomic<int64_t> sum{0};
  std::atomic<bool> moved{false};
  parallel_for(20, 1, [&](int64_t, int64_t) {
    const auto self = std::this_thread::get_id();
    parallel_for(50, 1, [&](int64_t begin, int64_t) {
      if (std::this_thread::get_id() != self) moved = true;
      sum += begin;
    });
  });
  CHECK(sum == 20 * 1225);
  CHECK(!moved);
}

TEST_CASE("a serial scope keeps work on its thread", "[core]") {
  const Threads threads(4);
  const auto self = std::this_thread::get_id();
  bool moved = false;
  {
    const SerialScope outer;
    { const SerialScope inner; }
    parallel_for(1000, 1, [&](int64_t, int64_t) { moved |= std::this_thread::get_id() != self; });
  }
  CHECK(!moved);
  CHECK(pieces(10, 4).size() == 3);
}

TEST_CASE("several threads may ask for work at the same time", "[core]") {
  const Threads threads(2);
  std::atomic<int> failures{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&, t] {
      for (int round = 0; round < 300; ++round) {
        std::vector<int> hits(64);
        parallel_for(64, 1 + t, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) ++hits[size_t(i)];
        });
        for (const int hit : hits) failures += hit != 1;
      }
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(failures == 0);
}

TEST_CASE("the caller's handling of subnormals comes back", "[core]") {
  CHECK(half_of_smallest() > 0);
  {
    const FlushSubnormals flush;
#if defined(__x86_64__)
    CHECK(half_of_smallest() == 0);
#endif
    { const FlushSubnormals again; }
#if defined(__x86_64__)
    CHECK(half_of_smallest() == 0);
#endif
  }
  CHECK(half_of_smallest() > 0);
  const Tensor x = Tensor::ones({4, 4});
  sum(matmul(x, x)).item();
  CHECK_THROWS_AS(matmul(x, Tensor::ones({3, 3})), ShapeError);
  CHECK(half_of_smallest() > 0);
}

TEST_CASE("pieces see subnormals as their caller does", "[core]") {
  const Threads threads(3);
  const auto flushed = [] {
    std::atomic<int> count{0};
    parallel_for(64, 1, [&](int64_t, int64_t) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      count += half_of_smallest() == 0;
    });
    return count.load();
  };
  sum(Tensor::ones({300, 1003})).item();  // workers have flushed for an operation before
  CHECK(flushed() == 0);
#if defined(__x86_64__)
  const FlushSubnormals flush;
  CHECK(flushed() == 64);
#endif
}

}  // namespace hebb
