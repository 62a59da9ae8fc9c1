#pragma once

namespace hebb::test {

/// Run in the process that becomes mpirun: containers' only user is root, and may not look into
/// other processes' memory.
void allow_mpirun();

/// The process of a rank that this mpirun has started; 0 when there is none.
int process_of(int mpirun, int rank);

}  // namespace hebb::test
