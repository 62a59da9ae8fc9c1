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

/// C [m, n] = A [m, k] B [k, n] + bias, none of the extents 0; bias [n] is added to every row and
/// may be null. Or a batch of them without bias, whose results follow each other.
struct Product {
  DType dtype;
  int64_t m, n, k;
  Operand a, b;
  void* c;
  const void* bias = nullptr;
  int64_t batch = 1;
  int64_t a_step = 0, b_step = 0;         // elements from matrix to matrix, where there are several
  Precision precision = Precision::fp32;  // of float32: fp32 or tf32
};

/// Products by cuBLASLt, with the algorithm that it recommends for each shape. float32 is
/// multiplied as float32 unless TF32 is asked for, and added up as float32; split sums are added up
/// in a fixed order.
class Products {
 public:
  Products(Stream stream, CachingAllocator& memory);
  ~Products();
  void multiply(const Product& product);

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

}  // namespace hebb::cuda
