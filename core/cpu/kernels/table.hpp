#pragma once

#include "core/cpu/kernels.hpp"

/// The kernels of this instruction set by family, each defined in the file of its name.
namespace hebb::cpu::HEBB_ISA {

template <class T>
BeanKernels<T> bean_kernels(bool tiles);
template <class T>
ConvKernels<T> conv2d_kernels();
template <class T>
DropoutKernels<T> dropout_kernels();
template <class T>
ElementwiseKernels<T> elementwise_kernels();
template <class T>
LayoutKernels<T> layout_kernels();
template <class T>
MatmulKernels<T> matmul_kernels();
template <class T>
NormalizeKernels<T> normalize_kernels();
NormalizeKernels<float, Bfloat16> bfloat16_normalize_kernels();  ///< of v4 alone
template <class T>
OptimizerKernels<T> optimizer_kernels();
template <class T>
PoolKernels<T> pool2d_kernels();
template <class T>
RandomKernels<T> random_kernels();
template <class T>
ReduceKernels<T> reduce_kernels();
template <class T>
SoftmaxKernels<T> softmax_kernels();

}  // namespace hebb::cpu::HEBB_ISA
