#pragma once

#include <cudnn_graph.h>

#include "gpu/shared_library.hpp"

/// All functions of cuDNN that Hebb calls.
namespace hebb::cuda {

inline constinit SharedLibrary cudnn_library(HEBB_SONAME("libcudnn", CUDNN_MAJOR),
                                             HEBB_CUDNN_FOLDER);

HEBB_LIBRARY_FUNCTION(cudnn_library, cudnnBackendCreateDescriptor);
HEBB_LIBRARY_FUNCTION(cudnn_library, cudnnBackendDestroyDescriptor);
HEBB_LIBRARY_FUNCTION(cudnn_library, cudnnBackendExecute);
HEBB_LIBRARY_FUNCTION(cudnn_library, cudnnBackendFinalize);
HEBB_LIBRARY_FUNCTION(cudnn_library, cudnnBackendGetAttribute);
HEBB_LIBRARY_FUNCTION(cudnn_library, cudnnBackendSetAttribute);
HEBB_LIBRARY_FUNCTION(cudnn_library, cudnnCreate);
HEBB_LIBRARY_FUNCTION(cudnn_library, cudnnGetErrorString);
HEBB_LIBRARY_FUNCTION(cudnn_library, cudnnGetVersion);
HEBB_LIBRARY_FUNCTION(cudnn_library, cudnnSetStream);

}  // namespace hebb::cuda
