#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "core/api.hpp"

namespace HEBB_API hebb {

/// How many threads the operations of this process may use, the caller's own included. Starts as
/// the number of cores. The pool never touches OpenMP's settings or any other library's.
int num_threads();
/// ValueError when n < 1. Not to be called while operations run.
void set_num_threads(int n);

/// Inside its life, operations called by this thread use this thread alone: for programs that run
/// many small independent trainings side by side.
class SerialScope {
 public:
  SerialScope();
  ~SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  bool previous_;
};

namespace detail {
using PieceFunction = void (*)(void* context, int64_t begin, int64_t end);
/// How many threads a call of parallel_for may use here: one inside a SerialScope or a piece.
int usable_threads();
/// Also of a single piece, so that there is one copy of what a piece does.
void run_pieces(int64_t n, int64_t grain, PieceFunction function, void* context);
}  // namespace detail

/// Calls function(begin, end) for the pieces [0, grain), [grain, 2 grain), ... of [0, n), on
/// several threads. The pieces do not depend on the number of threads, so what is computed piece
/// by piece does not either. A call from inside a piece runs serially. An exception that a piece
/// throws reaches the caller after the other pieces are done.
template <class Function>
void parallel_for(int64_t n, int64_t grain, Function&& function) {
  using F = std::remove_reference_t<Function>;
  detail::run_pieces(
      n, grain,
      [](void* context, int64_t begin, int64_t end) { (*static_cast<F*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(std::addressof(function))));
}

/// Sets the processor to flush subnormal floats to zero for this thread, and gives the thread its
/// own setting back at the end. Subnormals make small training steps take twice the time.
class FlushSubnormals {
 public:
  FlushSubnormals();
  ~FlushSubnormals();
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  unsigned previous_;
};

}  // namespace hebb
