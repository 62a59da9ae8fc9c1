#pragma once

#include "distributed/communicator.hpp"

/// How programs of several ranks end.
namespace hebb {

/// Before a program says why it fails: a while on other ranks than 0, so that what fails on all of
/// them is said once.
void let_lower_ranks_speak(const Communicator& ranks);

/// The program's exit code. For one that stands for a failure, and where ranks are lost, all ranks
/// end here and now.
int end_program(Communicator& ranks, int code);

}  // namespace hebb
