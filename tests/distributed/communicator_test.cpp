#include "distributed/communicator.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/random.hpp"
#include "tests/catch.hpp"
#include "tests/distributed/ranks.hpp"

namespace hebb::test {
namespace {

// Numbers of a rank, of magnitudes that make the order of terms matter.
std::vector<float> numbers(int rank, int64_t count) {
  Generator random(uint64_t(rank) + 1);
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(float(random.normal() * std::pow(10, random.uniform(-4, 4))));
  return values;
}

}  // namespace

TEST_CASE("the program has the ranks that it was started with", "[distributed]") {
  const char* wanted = std::getenv("HEBB_TEST_RANKS");
  CHECK(ranks().size() == (wanted ? std::atoi(wanted) : 1));
  CHECK(ranks().is_root() == (ranks().rank() == 0));
  CHECK(ranks().rank_on_host() == ranks().rank());  // tests run on one host
}

TEST_CASE("sums are those in the order of ranks, and the same bits on all", "[distributed]") {
  for (const int64_t count : {1, 2, 7, 1000, 300001}) {
    CAPTURE(count);
    const Tensor sum = Tensor::from(numbers(ranks().rank(), count), {count});
    const Tensor twice = sum.to(DType::float64).clone();
    const std::vector<Tensor> both = {sum, twice};
    ranks().all_reduce(both);
    std::vector<float> expected = numbers(0, count);
    for (int rank = 1; rank < ranks().size(); ++rank) {
      const std::vector<float> terms = numbers(rank, count);
      for (size_t i = 0; i < terms.size(); ++i) expected[i] += terms[i];
    }
    CHECK(sum.to_vector<float>() == expected);
    CHECK(equal_on_all(sum));
    CHECK(equal_on_all(twice));
  }
  if (ranks().size() > 1)
    CHECK_THROWS_AS(ranks().start_all_reduce(Tensor::zeros({3}, {.dtype = DType::int64})),
                    DTypeError);
}

TEST_CASE("several sums go on side by side", "[distributed]") {
  std::vector<Tensor> tensors;
  std::vector<std::unique_ptr<PendingSum>> sums;
  for (int i = 0; i < 40; ++i) {
    tensors.push_back(Tensor::full({100 * (i + 1)}, i + ranks().rank()));
    sums.push_back(ranks().start_all_reduce(tensors.back()));
    for (const auto& sum : sums) sum->advance();
  }
  for (auto sum = sums.rbegin(); sum != sums.rend(); ++sum) (*sum)->wait();
  const int n = ranks().size();
  for (int i = 0; i < 40; ++i) {
    const std::vector<float> values = tensors[size_t(i)].to_vector<float>();
    CHECK(std::ranges::count(values, float(n * i + n * (n - 1) / 2)) == std::ssize(values));
  }
}

TEST_CASE("broadcasts give what rank 0 has", "[distributed]") {
  std::string text = ranks().is_root() ? "settings of rank 0" : "mine";
  ranks().broadcast(text);
  CHECK(text == "settings of rank 0");
  const Tensor labels = Tensor::full({5}, ranks().rank(), {.dtype = DType::int64});
  ranks().broadcast({&labels, 1});
  CHECK(labels.to_vector<int64_t>() == std::vector<int64_t>(5, 0));
}

TEST_CASE("messages reach rank 0, each once", "[distributed]") {
  struct Note {
    int rank = -1, number = 0;
  };
  if (!ranks().is_root()) {
    for (int i = 0; i < 3; ++i) ranks().send(0, Note{ranks().rank(), i});
  } else {
    std::vector<int> next(size_t(ranks().size()));
    for (int i = 0; i < 3 * (ranks().size() - 1); ++i) {
      const std::optional<Note> note = ranks().receive<Note>(true);
      CHECK(note->number == next[size_t(note->rank)]++);
    }
    CHECK(!ranks().receive<Note>(false));
  }
  ranks().barrier();
}

}  // namespace hebb::test
