#pragma once

#include <nccl.h>

#include "gpu/shared_library.hpp"

/// All functions of NCCL that Hebb calls.
namespace hebb::cuda {

inline constinit SharedLibrary nccl_library(HEBB_SONAME("libnccl", NCCL_MAJOR), HEBB_NCCL_FOLDER);

HEBB_LIBRARY_FUNCTION(nccl_library, ncclCommAbort);
HEBB_LIBRARY_FUNCTION(nccl_library, ncclCommInitRank);
HEBB_LIBRARY_FUNCTION(nccl_library, ncclGetErrorString);
HEBB_LIBRARY_FUNCTION(nccl_library, ncclGetUniqueId);
HEBB_LIBRARY_FUNCTION(nccl_library, ncclGroupEnd);
HEBB_LIBRARY_FUNCTION(nccl_library, ncclGroupStart);
HEBB_LIBRARY_FUNCTION(nccl_library, ncclRecv);
HEBB_LIBRARY_FUNCTION(nccl_library, ncclSend);

}  // namespace hebb::cuda
