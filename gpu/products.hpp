#pragma once

#include <cstdint>
#include <memory>

#include "core/dtype.hpp"
#include "core/options.hpp"
#include "gpu/allocator.hpp"
#include "gpu/stream.hpp"

namespace hebb::cuda {

/// A row-major matrix on the device, or its transpose.
struct Operand {
  const void* data;
  int64_t stride;  // elements from row to row, as stored
  bool transposed = false;
};

/// C [m, n] = A [m, k] B [k, n], none of the extents 0, or a batch of them, whose results follow
/// each other. What goes beside it, each of it for the matrices of a batch as for one: bias [n],
/// which is added to every row, and a ReLU after it, or `sums` [m], which gets those of A's rows.
/// A and B are of `dtype`, all else is of `result`: float32 or bfloat16 for bfloat16.
struct Product {
  DType dtype;
  DType result = dtype;
  int64_t m, n, k;
  Operand a, b;
  void* c;
  const void* bias = nullptr;  // may be null, as may be the sums
  bool relu = false;
  void* sums = nullptr;
  int64_t batch = 1;
  int64_t a_step = 0, b_step = 0;         // elements from matrix to matrix, where there are several
  Precision precision = Precision::fp32;  // of float32: fp32 or tf32
};

/// Products by cuBLASLt, with the algorithm that it recommends for each shape. float32 is
/// multiplied as float32 unless TF32 is asked for, and added up as float32, as is bfloat16; split
/// sums are added up in a fixed order.
class Products {
 public:
  Products(Stream stream, CachingAllocator& memory);
  ~Products();
  /// Whether what goes beside the product was done, too: otherwise it is the caller's. True where
  /// there is nothing.
  bool multiply(const Product& product);

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

}  // namespace hebb::cuda
