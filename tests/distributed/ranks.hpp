#pragma once

#include "distributed/communicator.hpp"

namespace hebb::test {

/// The ranks of this program, which ends with them. Tests make the same calls on all; they CHECK
/// and do not REQUIRE, lest one rank leave the others waiting.
Communicator& ranks();

/// Whether this tensor has the bits of rank 0's on all ranks; all ranks get the answer.
bool equal_on_all(const Tensor& values);

}  // namespace hebb::test
