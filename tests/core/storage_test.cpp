#include "core/storage.hpp"

#include <new>
#include <thread>

#include "core/ops/ops.hpp"
#include "core/tensor.hpp"
#include "tests/catch.hpp"

namespace hebb {

TEST_CASE("freed blocks are used again", "[core]") {
  const void* address = Tensor::empty({1000}).data();
  const int64_t taken = memory_stats().system_allocations;
  CHECK(Tensor::empty({1000}).data() == address);
  CHECK(Tensor::empty({990}).data() == address);  // of the same size class
  CHECK(memory_stats().system_allocations == taken);
}

TEST_CASE("repeated work takes nothing from the system", "[core]") {
  const auto step = [] {
    Tensor w = Tensor::full({20, 30}, 0.01).set_requires_grad();
    const Tensor x = Tensor::ones({8, 30});
    sum(tanh(linear(relu(x), w))).backward();
  };
  for (int i = 0; i < 3; ++i) step();
  const int64_t taken = memory_stats().system_allocations;
  for (int i = 0; i < 50; ++i) step();
  CHECK(memory_stats().system_allocations == taken);
}

TEST_CASE("memory in use and its peak are counted", "[core]") {
  reset_peak_memory();
  const MemoryStats before = memory_stats();
  CHECK(before.peak_bytes == before.bytes_in_use);
  {
    const Tensor a = Tensor::empty({1 << 18}), b = Tensor::empty({1 << 18});
    CHECK(memory_stats().bytes_in_use - before.bytes_in_use >= 2 << 20);
    CHECK(memory_stats().bytes_in_use - before.bytes_in_use <= (2 << 20) * 5 / 4);
  }
  CHECK(memory_stats().bytes_in_use == before.bytes_in_use);
  CHECK(memory_stats().peak_bytes - before.bytes_in_use >= 2 << 20);
  reset_peak_memory();
  CHECK(memory_stats().peak_bytes == before.bytes_in_use);
}

TEST_CASE("memory in use is that of all threads", "[core]") {
  const int64_t before = memory_stats().bytes_in_use;
  Tensor big, small;
  std::thread([&] {
    big = Tensor::empty({1 << 18});
    small = Tensor::empty({256});
  }).join();
  CHECK(memory_stats().bytes_in_use - before == (1 << 20) + 1024);
  std::thread([&] { big = {}; }).join();
  CHECK(memory_stats().bytes_in_use - before == 1024);
  small = {};
  CHECK(memory_stats().bytes_in_use == before);
  CHECK_THROWS_AS(memory_stats(Device::cuda(99)), DeviceError);
}

TEST_CASE("cached memory can be given back", "[core]") {
  const Tensor kept = Tensor::full({1 << 18}, 3);
  { const Tensor dropped = Tensor::empty({1 << 20}); }
  const int64_t held = memory_stats().system_bytes;
  release_cached_memory();
  CHECK(memory_stats().system_bytes <= held - (4 << 20));
  CHECK(memory_stats().system_bytes >= 1 << 20);
  CHECK(kept.host<float>()[1000] == 3);
}

TEST_CASE("every size has a block that is large enough and aligned", "[core]") {
  for (size_t bytes = 0; bytes < 5000; ++bytes) {
    auto* block = static_cast<unsigned char*>(cpu_memory::allocate(bytes));
    REQUIRE(reinterpret_cast<uintptr_t>(block) % 64 == 0);
    for (size_t i = 0; i < bytes; ++i) block[i] = 0xA5;  // a sanitizer would see an overrun
    cpu_memory::release(block, bytes);
  }
  for (const size_t power : {12, 17, 20, 24})
    for (const int offset : {-1, 0, 1, 64, 65}) {
      const size_t bytes = (size_t(1) << power) + size_t(offset);
      auto* block = static_cast<unsigned char*>(cpu_memory::allocate(bytes));
      block[0] = block[bytes - 1] = 1;
      cpu_memory::release(block, bytes);
    }
}

TEST_CASE("a request that cannot be met is refused", "[core]") {
  const int64_t before = memory_stats().bytes_in_use;
  CHECK_THROWS_AS(Tensor::empty({int64_t(1) << 58}), std::bad_alloc);
  CHECK_THROWS_AS(Tensor::empty({int64_t(1) << 44}), std::bad_alloc);
  CHECK(memory_stats().bytes_in_use == before);
}

TEST_CASE("tensors may die in another thread", "[core]") {
  for (int round = 0; round < 20; ++round) {
    std::vector<Tensor> made;
    std::thread([&] {
      for (int i = 0; i < 100; ++i) made.push_back(Tensor::full({100 + i}, i));
    }).join();
    for (int i = 0; i < 100; ++i) CHECK(made[size_t(i)].host<float>()[99] == float(i));
    std::thread([moved = std::move(made)]() mutable { moved.clear(); }).join();
  }
  const int64_t taken = memory_stats().system_allocations;
  std::thread([] {
    for (int i = 0; i < 100; ++i) Tensor::empty({100 + i});
  }).join();
  CHECK(memory_stats().system_allocations == taken);  // those of the threads that ended
}

}  // namespace hebb
