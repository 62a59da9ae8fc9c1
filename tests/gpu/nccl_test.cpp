#include "distributed/nccl/nccl.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cmath>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/ops/elementwise.hpp"
#include "core/ops/record_step.hpp"
#include "core/random.hpp"
#include "distributed/device.hpp"
#include "tests/catch.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::cuda {
namespace {

// What MPI is to ranks that are threads.
class Threads {
 public:
  explicit Threads(int ranks) : size(ranks), all(ranks) {}

  const int size;
  std::barrier<> all;
  std::vector<std::byte> shared;
  std::mutex mutex;
  std::vector<std::vector<std::byte>> to_root;
  std::atomic<int> sums_on_hosts = 0;
};

class ThreadCommunicator final : public Communicator {
 public:
  ThreadCommunicator(Threads& threads, int rank)
      : Communicator(rank, threads.size), threads_(threads) {}

  std::unique_ptr<PendingSum> start_all_reduce(const Tensor&) override {
    ++threads_.sums_on_hosts;
    return nullptr;
  }
  using Communicator::broadcast;
  void broadcast(std::span<std::byte> bytes) override {
    if (is_root()) threads_.shared.assign(bytes.begin(), bytes.end());
    barrier();
    std::ranges::copy(threads_.shared, bytes.begin());
    barrier();
  }
  void barrier() override { threads_.all.arrive_and_wait(); }
  void abort(int) override {}
  void send_bytes(int, std::span<const std::byte> message) override {
    const std::lock_guard lock(threads_.mutex);
    threads_.to_root.emplace_back(message.begin(), message.end());
  }
  bool receive_bytes(std::span<std::byte> message, bool) override {
    for (;;) {
      const std::lock_guard lock(threads_.mutex);
      if (threads_.to_root.empty()) continue;
      std::ranges::copy(threads_.to_root.back(), message.begin());
      threads_.to_root.pop_back();
      return true;
    }
  }

 private:
  Threads& threads_;
};

// Catch2 is not for several threads: what ranks find is looked at afterwards.
void on_ranks(int size, const std::function<void(Communicator&)>& function, Threads& threads) {
  std::vector<std::thread> ranks;
  for (int rank = 0; rank < size; ++rank)
    ranks.emplace_back([&, rank] {
      ThreadCommunicator communicator(threads, rank);
      function(communicator);
    });
  for (std::thread& rank : ranks) rank.join();
}

template <class T>
std::vector<T> numbers(int rank, int64_t count) {
  Generator random(uint64_t(rank) + 1);
  std::vector<T> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(T(random.normal() * std::pow(10, random.uniform(-4, 4))));
  return values;
}

template <class T>
void check_sums(int size, int64_t count) {
  CAPTURE(size, count);
  std::vector<std::vector<T>> sums{size_t(size)};
  Threads threads(size);
  const long before = emulation.exchanges;
  on_ranks(
      size,
      [&](Communicator& host) {
        NcclCommunicator ranks(host, 0);
        const Tensor values = Tensor::from(numbers<T>(ranks.rank(), count), {count});
        const Tensor device = values.to(Device::cuda());
        ranks.all_reduce({&device, 1});
        sums[size_t(ranks.rank())] = device.template to_vector<T>();
      },
      threads);
  std::vector<T> expected = numbers<T>(0, count);
  for (int rank = 1; rank < size; ++rank) {
    const std::vector<T> terms = numbers<T>(rank, count);
    for (size_t i = 0; i < terms.size(); ++i) expected[i] += terms[i];
  }
  for (const std::vector<T>& sum : sums) CHECK(sum == expected);
  CHECK(emulation.exchanges - before == (size == 1 ? 0 : 2 * size));
  CHECK(threads.sums_on_hosts == 0);
}

TEST_CASE("sums over GPUs are those in the order of ranks", "[gpu]") {
  for (const int size : {1, 2, 3, 5})
    for (const int64_t count : {1, 2, 7, 1000, 10001}) {
      check_sums<float>(size, count);
      check_sums<double>(size, count);
    }
  CHECK(emulation.broken_guards == 0);
}

TEST_CASE("several sums over GPUs go on side by side", "[gpu]") {
  constexpr int size = 3, sums = 10;
  std::vector<char> right(size_t(size), 0);
  Threads threads(size);
  on_ranks(
      size,
      [&](Communicator& host) {
        NcclCommunicator ranks(host, 0);
        std::vector<Tensor> tensors;
        std::vector<std::unique_ptr<PendingSum>> pending;
        for (int i = 0; i < sums; ++i) {
          tensors.push_back(
              Tensor::full({100 * i + 1}, i + ranks.rank(), {.device = Device::cuda()}));
          pending.push_back(ranks.start_all_reduce(tensors.back()));
          for (const auto& sum : pending) sum->advance();
        }
        while (!pending.empty()) {
          pending.back()->wait();
          pending.pop_back();
        }
        bool all = true;
        for (int i = 0; i < sums; ++i)
          for (const float x : tensors[size_t(i)].to_vector<float>())
            all = all && x == float(size * i + 3);
        right[size_t(ranks.rank())] = all;
      },
      threads);
  CHECK(right == std::vector<char>(size_t(size), 1));
}

TEST_CASE("sums over GPUs wait for the backend's stream, which waits for them", "[gpu]") {
  std::vector<std::vector<std::pair<int, int>>> orders(2);
  Threads threads(2);
  on_ranks(
      2,
      [&](Communicator& host) {
        NcclCommunicator ranks(host, 0);
        const Tensor values = Tensor::zeros({8}, {.device = Device::cuda()});
        emulated_order.clear();
        const std::unique_ptr<PendingSum> sum = ranks.start_all_reduce(values);
        sum->wait();
        sum->wait();
        orders[size_t(ranks.rank())] = emulated_order;
      },
      threads);
  for (const auto& order : orders) {
    REQUIRE(order.size() == 4);
    const auto [stream, work] = order[0];
    CHECK(stream > 0);
    CHECK(work == 0);
    CHECK(order[1] == std::pair(-1, -1));
    CHECK(order[2] == std::pair(-1, -1));
    CHECK(order[3] == std::pair(work, stream));
  }
}

TEST_CASE("steps with sums over GPUs are called each time", "[gpu]") {
  std::vector<std::vector<float>> sums(2);
  std::vector<int> calls(2, 0);
  Threads threads(2);
  on_ranks(
      2,
      [&](Communicator& host) {
        NcclCommunicator ranks(host, 0);
        const auto rank = size_t(ranks.rank());
        const Tensor values = Tensor::full({3}, double(rank + 1), {.device = Device::cuda()});
        const std::function<void()> step = record_step(Device::cuda(), [&] {
          ++calls[rank];
          const Tensor more = values * 1.0;
          ranks.all_reduce({&more, 1});
          values.copy_from(values + more);
        });
        for (int i = 0; i < 4; ++i) step();
        sums[rank] = values.to_vector<float>();
      },
      threads);
  CHECK(calls == std::vector<int>{4, 4});
  // 1 and 2 become 1 + 3 and 2 + 3, then 4 + 9 and 5 + 9, and so on.
  CHECK(sums[0] == std::vector<float>(3, 121));
  CHECK(sums[1] == std::vector<float>(3, 122));
}

TEST_CASE("what is not on a GPU is added up by the other communicator", "[gpu]") {
  Threads threads(1);
  ThreadCommunicator host(threads, 0);
  NcclCommunicator ranks(host, 0);
  ranks.start_all_reduce(Tensor::zeros({3}));
  CHECK(threads.sums_on_hosts == 1);
  const Tensor integers = Tensor::zeros({3}, {.dtype = DType::int64, .device = Device::cuda()});
  CHECK_THROWS_AS(ranks.start_all_reduce(integers), DTypeError);
}

TEST_CASE("ranks take NCCL where each has a GPU of its own", "[gpu]") {
  const auto ranks_with_nccl = [](const std::vector<std::string>& addresses) {
    std::atomic<int> count = 0;
    const int size = int(addresses.size());
    Threads threads(size);
    on_ranks(
        size,
        [&](Communicator& host) {
          emulated_address = addresses[size_t(host.rank())];
          count += communicator_on(Device::cuda(), host) != nullptr;
        },
        threads);
    return int(count);
  };
  CHECK(ranks_with_nccl({"0000:01:00.0", "0000:02:00.0", "0000:03:00.0"}) == 3);
  CHECK(ranks_with_nccl({"0000:01:00.0", "0000:02:00.0", "0000:01:00.0"}) == 0);
  CHECK(ranks_with_nccl({"0000:01:00.0"}) == 0);
  Threads threads(2);
  ThreadCommunicator alone(threads, 1);
  CHECK(!communicator_on(Device::cpu(), alone));
}

TEST_CASE("what NCCL refuses is a DeviceError", "[gpu]") {
  Threads threads(1);
  ThreadCommunicator host(threads, 0);
  emulation.nccl_status = 5;
  CHECK_THROWS_WITH(NcclCommunicator(host, 0),
                    "[nccl] ncclCommInitRank failed: as asked (5); do all ranks have one version "
                    "of NCCL, and a GPU each?");
  CHECK_THROWS_AS(NcclCommunicator(host, 0), DeviceError);
  emulation.nccl_status = 0;
}

}  // namespace
}  // namespace hebb::cuda
