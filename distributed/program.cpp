#include "distributed/program.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

namespace hebb {

void let_lower_ranks_speak(const Communicator& ranks) {
  std::this_thread::sleep_for(std::chrono::milliseconds(300) * std::min(ranks.rank(), 5));
}

int end_program(Communicator& ranks, int code) {
  constexpr int interrupted = 130;  // all ranks have come to an end by themselves
  const bool failed = code != 0 && code != interrupted;
  if (ranks.size() > 1 && (failed || ranks.has_lost_ranks())) {
    std::fflush(nullptr);
    ranks.abort(code);
  }
  return code;
}

}  // namespace hebb
