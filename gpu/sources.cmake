# The backend and its kernels, which tests compile for the CPU too (tests/gpu/).
set(HEBB_CUDA_BACKEND allocator.cpp backend.cpp bean.cpp conv2d.cpp conv2d_bfloat16.cpp
    conv2d_max_pool2d.cpp elementwise.cpp images.cpp layout.cpp matmul.cpp memory.cpp normalize.cpp optimizers.cpp pool2d.cpp random.cpp recording.cpp
    reduce.cpp shared_library.cpp softmax.cpp status.cpp)
set(HEBB_CUDA_KERNELS bean.cu conv2d.cu conv2d_direct.cu conv2d_direct_weight.cu conv2d_weight.cu
    elementwise.cu images.cu layout.cu memory.cu normalize.cu normalize_rows.cu optimizers.cu pool2d.cu random.cu reduce.cu softmax.cu)
