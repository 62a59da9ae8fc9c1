#include "core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/check.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hebb {
namespace {

#if defined(__x86_64__)
constexpr unsigned flush_bits = 0x8040;  // FTZ and DAZ
unsigned float_mode() { return _mm_getcsr(); }
void set_float_mode(unsigned mode) { _mm_setcsr(mode); }
void relax() { _mm_pause(); }
#else
constexpr unsigned flush_bits = 0;
unsigned float_mode() { return 0; }
void set_float_mode(unsigned) {}
void relax() { std::this_thread::yield(); }
#endif

thread_local bool serial = false;

// Workers sleep on `ticket_`, which counts jobs; they spin a little before they do, because the
// operations of one training step follow each other closely. A job does not wait for workers that
// are still asleep when its last piece has been taken.
class Pool {
 public:
  explicit Pool(int threads) : total_(threads) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  }

  ~Pool() {
    stop_ = true;
    ticket_.fetch_add(1);
    ticket_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  int threads() const { return total_; }

  /// False when another thread's job is running: the caller then does its own work itself.
  bool run(int64_t n, int64_t grain, detail::PieceFunction function, void* context) {
    std::unique_lock lock(busy_, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    function_ = function;
    context_ = context;
    n_ = n;
    grain_ = grain;
    error_ = nullptr;
    flush_ = float_mode() & flush_bits;
    next_.store(0, std::memory_order_relaxed);
    open_.store(true);
    ticket_.fetch_add(1);
    ticket_.notify_all();
    serial = true;
    drain();
    serial = false;
    // From here on no worker enters; wait for those that are inside.
    open_.store(false);
    for (int spins = 0; inside_.load() != 0;) {
      if (++spins < spin_limit)
        relax();
      else
        std::this_thread::yield();
    }
    if (error_) std::rethrow_exception(error_);
    return true;
  }

 private:
  static constexpr int spin_limit = 2000;

  void work() {
    serial = true;
    uint32_t seen = 0;
    for (;;) {
      for (int spins = 0; ticket_.load(std::memory_order_acquire) == seen;) {
        if (++spins < spin_limit)
          relax();
        else
          ticket_.wait(seen, std::memory_order_acquire);
      }
      seen = ticket_.load(std::memory_order_acquire);
      if (stop_) return;
      inside_.fetch_add(1);
      if (open_.load()) {
        // As the caller has it, or a result would depend on who computed it.
        if ((float_mode() & flush_bits) != flush_)
          set_float_mode((float_mode() & ~flush_bits) | flush_);
        drain();
      }
      inside_.fetch_sub(1);
    }
  }

  void drain() {
    for (;;) {
      const int64_t begin = next_.fetch_add(1, std::memory_order_relaxed) * grain_;
      if (begin >= n_) return;
      try {
        function_(context_, begin, std::min(begin + grain_, n_));
      } catch (...) {
        std::lock_guard lock(error_mutex_);
        if (!error_) error_ = std::current_exception();
      }
    }
  }

  const int total_;
  std::vector<std::thread> workers_;
  std::mutex busy_, error_mutex_;
  std::atomic<uint32_t> ticket_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> open_{false};
  std::atomic<int> inside_{0};
  alignas(64) std::atomic<int64_t> next_{0};
  detail::PieceFunction function_ = nullptr;
  void* context_ = nullptr;
  int64_t n_ = 0, grain_ = 1;
  unsigned flush_ = 0;
  std::exception_ptr error_;
};

std::mutex pool_mutex;
std::atomic<int> wanted{0};
std::unique_ptr<Pool>& pool_slot() {
  static std::unique_ptr<Pool> pool;
  return pool;
}
std::atomic<Pool*> current{nullptr};

Pool& current_pool() {
  if (Pool* pool = current.load(std::memory_order_acquire)) return *pool;
  std::lock_guard lock(pool_mutex);
  std::unique_ptr<Pool>& slot = pool_slot();
  if (!slot) slot = std::make_unique<Pool>(num_threads());
  current.store(slot.get(), std::memory_order_release);
  return *slot;
}

}  // namespace

int num_threads() {
  const int n = wanted.load(std::memory_order_relaxed);
  if (n > 0) return n;
  static const int cores = std::max(1, int(std::thread::hardware_concurrency()));
  return cores;
}

void set_num_threads(int n) {
  check(n >= 1, "[set_num_threads] expected at least 1 thread, got {}", n);
  std::lock_guard lock(pool_mutex);
  wanted = n;
  if (pool_slot() && pool_slot()->threads() != n) {
    current = nullptr;
    pool_slot().reset();
  }
}

SerialScope::SerialScope() : previous_(serial) { serial = true; }
SerialScope::~SerialScope() { serial = previous_; }

FlushSubnormals::FlushSubnormals() : previous_(float_mode()) {
  if ((previous_ & flush_bits) != flush_bits) set_float_mode(previous_ | flush_bits);
}
FlushSubnormals::~FlushSubnormals() {
  if ((previous_ & flush_bits) != flush_bits) set_float_mode(previous_);
}

namespace detail {

int usable_threads() { return serial ? 1 : num_threads(); }

void run_pieces(int64_t n, int64_t grain, PieceFunction function, void* context) {
  const bool several = n > grain && usable_threads() > 1;
  if (several && current_pool().run(n, grain, function, context)) return;
  for (int64_t begin = 0; begin < n; begin += grain)
    function(context, begin, std::min(begin + grain, n));
}

}  // namespace detail
}  // namespace hebb
