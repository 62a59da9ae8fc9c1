#include "gpu/allocator.hpp"

#include <optional>
#include <set>
#include <thread>

#include "core/error.hpp"
#include "tests/catch.hpp"

namespace hebb::cuda {
namespace {

struct FakeSource final : BlockSource {
  std::set<void*> blocks;
  size_t left = size_t(1) << 20;
  size_t held = 0;
  int waits = 0;
  std::vector<size_t> sizes;

  FakeSource() = default;
  FakeSource(const FakeSource&) = delete;
  FakeSource& operator=(const FakeSource&) = delete;
  ~FakeSource() {
    for (void* block : blocks) ::operator delete(block);
  }

  void* allocate(size_t bytes) override {
    if (held + bytes > left) return nullptr;
    void* block = ::operator new(bytes);
    held += bytes;
    sizes.push_back(bytes);
    blocks.insert(block);
    return block;
  }
  void release(void* block) noexcept override {
    blocks.erase(block);
    held = 0;  // the tests below release all or nothing
    ::operator delete(block);
  }
  size_t free_bytes() override { return left - held; }
  void synchronize() override { ++waits; }
  void lent(void*, size_t, size_t) override {}
  void returned(void*, size_t, size_t) noexcept override {}
};

TEST_CASE("freed device memory is given out again", "[gpu]") {
  FakeSource source;
  CachingAllocator memory(source);
  void* a = memory.allocate(1000);
  CHECK(source.sizes == std::vector<size_t>{1024});
  memory.release(a, 1000);
  CHECK(memory.stats().kept == 1024);
  CHECK(memory.allocate(1024) == a);  // the same size of block
  CHECK(memory.stats().kept == 0);
  void* b = memory.allocate(1024);
  CHECK(b != a);
  CHECK(memory.stats().lent == 2048);
  CHECK(memory.stats().source_calls == 2);
  CHECK(memory.allocate(0) != nullptr);
  memory.release(a, 1024);
  memory.release(b, 1024);
  memory.trim();
  CHECK(source.blocks.size() == 1);
  CHECK(source.waits == 1);
}

TEST_CASE("blocks are at most a quarter larger than asked for", "[gpu]") {
  FakeSource source;
  source.left = size_t(1) << 40;
  for (const size_t bytes : {1, 512, 513, 2049, 5000, 100000, 1 << 20, (1 << 20) + 1}) {
    const size_t size = block_size(block_bin(bytes, 512), 512);
    CHECK(size >= bytes);
    CHECK(size % 512 == 0);
    if (bytes > 2048) CHECK(size <= bytes + bytes / 4 + 512);
  }
}

TEST_CASE("out of device memory, what is kept goes first", "[gpu]") {
  FakeSource source;
  source.left = 4096;
  CachingAllocator memory(source);
  void* a = memory.allocate(2048);
  memory.release(a, 2048);
  void* b = memory.allocate(4096);  // fits only once the other has gone
  CHECK(source.waits == 1);
  std::string message;
  try {
    memory.allocate(600);
  } catch (const DeviceError& error) {
    message = error.what();
  }
  CHECK(message ==
        "[cuda] out of memory: asked for 1024 bytes, while tensors hold 4096 and 0 are free; use "
        "smaller batches");
  memory.release(b, 4096);  // and on it goes
  CHECK(memory.allocate(600) != nullptr);
}

TEST_CASE("an arena's blocks are nobody else's until it goes", "[gpu]") {
  FakeSource source;
  CachingAllocator memory(source);
  void* before = memory.allocate(1024);
  memory.release(before, 1024);
  void* other = memory.allocate(2048);
  {
    Arena arena(memory, [] { FAIL("there is memory"); });
    arena.open();
    void* a = memory.allocate(1000);
    CHECK(a == before);  // what is free may be taken
    memory.release(a, 1000);
    CHECK(memory.allocate(1024) == a);
    CHECK(arena.lent() == 1);
    void* elsewhere = nullptr;
    std::thread([&] {
      elsewhere = memory.allocate(1024);
      memory.release(elsewhere, 1024);
    }).join();
    CHECK(elsewhere != a);
    memory.release(a, 1024);
    CHECK(arena.lent() == 0);
    CHECK(arena.others() == 0);
    memory.release(other, 2048);  // kept back: recorded work may read it
    CHECK(arena.others() == 1);
    arena.close();
    CHECK(arena.bytes() == 1024);
    CHECK(memory.allocate(1024) == elsewhere);
    memory.release(elsewhere, 1024);
    CHECK(memory.allocate(2048) != other);
    CHECK(memory.stats().lent == 1024 + 2048 + 2048);
  }
  CHECK(memory.stats().lent == 2048);
  CHECK(memory.allocate(1024) == before);
  CHECK(memory.allocate(2048) == other);
}

TEST_CASE("an arena that is full closes, and what it lent is the allocator's", "[gpu]") {
  FakeSource source;
  source.left = 2048;
  CachingAllocator memory(source);
  std::optional<Arena> arena;
  arena.emplace(memory, [&] { arena.reset(); });
  arena->open();
  void* a = memory.allocate(1024);
  void* b = memory.allocate(1024);
  memory.release(b, 1024);
  CHECK(memory.allocate(1000) == b);
  memory.release(b, 1024);
  CHECK_THROWS_AS(memory.allocate(4096), DeviceError);
  CHECK_FALSE(arena);
  CHECK(memory.stats().lent == 1024);
  memory.release(a, 1024);
  CHECK(memory.stats().lent == 0);
}

}  // namespace
}  // namespace hebb::cuda
