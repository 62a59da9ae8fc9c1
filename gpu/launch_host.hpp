#pragma once

#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "gpu/launch.hpp"

namespace hebb::cuda {

/// Whether the loops that stand for a GPU run from the last to the first: results that depend on
/// the order of threads differ then.
inline bool run_backwards = false;

/// When not 0, only so many of the first and of the last elements and blocks run: tests of indices
/// into what no memory here could hold.
inline int64_t run_ends = 0;

/// Whether a stream's work is noted, to be done when what was recorded is launched.
bool is_noted(Stream stream);
void note(std::function<void()> work);

template <class Work>
void ask(Stream stream, Work&& work) {
  if (is_noted(stream))
    note(std::forward<Work>(work));
  else
    work();
}

template <class F>
void in_order(int64_t n, F&& f) {
  for (int64_t i = 0; i < n; ++i) f(run_backwards ? n - 1 - i : i);
}

template <class F>
void at_ends(int64_t n, F&& f) {
  const bool all = run_ends == 0 || n <= 2 * run_ends;
  in_order(all ? n : 2 * run_ends,
           [&](int64_t i) { f(all || i < run_ends ? i : n - 2 * run_ends + i); });
}

template <class Body>
void for_each(Stream stream, int64_t n, const Body& body) {
  if (n <= 0) return;
  ask(stream, [=] { at_ends(n, [&](int64_t i) { body(i); }); });
  check_launch();
}

template <class Body>
void for_blocks(Stream stream, int64_t blocks, int threads, const Body& body) {
  if (blocks <= 0) return;
  ask(stream, [=] {
    at_ends(blocks, [&](int64_t block) {
      typename Body::Shared shared;
      std::memset(static_cast<void*>(&shared), 0xff, sizeof(shared));
      std::vector<typename Body::Local> local(static_cast<size_t>(threads));
      for (int phase = 0; phase < Body::phases; ++phase)
        in_order(threads, [&](int64_t i) {
          body.phase(phase, Thread{block, int(i), threads}, shared, local[size_t(i)]);
        });
    });
  });
  check_launch();
}

}  // namespace hebb::cuda
