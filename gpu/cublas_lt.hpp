#pragma once

#include <cublasLt.h>

#include "gpu/shared_library.hpp"

/// All functions of cuBLASLt that Hebb calls.
namespace hebb::cuda {

inline constinit SharedLibrary cublas_lt_library(HEBB_SONAME("libcublasLt", CUBLAS_VER_MAJOR),
                                                 HEBB_CUBLAS_FOLDER);

HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtCreate);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtGetStatusString);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtGetVersion);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtMatmul);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtMatmulAlgoGetHeuristic);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtMatmulDescCreate);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtMatmulDescDestroy);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtMatmulDescSetAttribute);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtMatmulPreferenceCreate);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtMatmulPreferenceDestroy);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtMatmulPreferenceSetAttribute);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtMatrixLayoutCreate);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtMatrixLayoutDestroy);
HEBB_LIBRARY_FUNCTION(cublas_lt_library, cublasLtMatrixLayoutSetAttribute);

}  // namespace hebb::cuda
