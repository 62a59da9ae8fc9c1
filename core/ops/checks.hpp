#pragma once

#include <initializer_list>

#include "core/options.hpp"
#include "core/tensor.hpp"

/// Internal: the argument checks that operations share. `where` is the operation's name.
namespace hebb {

struct Operand {
  const char* name;
  const Tensor& x;
};

/// All operands are defined, of one floating element type, and on one device, which has bfloat16 if
/// they are of that.
void check_operands(const char* where, std::initializer_list<Operand> operands);
/// `parameter` is of float32 where x is of bfloat16, and of x's type elsewhere, on x's device.
void check_parameter(const char* where, Operand x, Operand parameter);
/// x, or float32 of bfloat16, to which the gradient goes back: for operations that compute in no
/// less. What is undefined stays so.
Tensor widened(const Tensor& x);
/// `x` is a defined int64 tensor on the device of `like`.
void check_integers(const char* where, Operand x, const Tensor& like);
/// `x` has exactly this shape.
void check_shape(const char* where, Operand x, const Shape& shape);
/// `x` has the axes that `layout` names, e.g. 4 and "[N, C, H, W]".
void check_rank(const char* where, Operand x, int rank, const char* layout);
/// Operands of replicas, all of them with an axis in front, agree on how many there are.
void check_replicas(const char* where, Operand x, Operand weight);
/// The rows of x [N, in] are what a dense layer's weight [out, in] takes, or those of as many
/// replicas, [R, N, in] and [R, out, in]: which is what it says. `rows` names x's first axis.
bool check_rows(const char* where, Operand x, const char* rows, Operand weight, const char* layout);
/// As check_rank, for images, whose cousins of one and three dimensions are refused by name.
void check_images(const char* where, Operand x, const char* layout = "[N, C, H, W]");

/// The axis that `axis` (which may be negative) means, along which x has elements.
int filled_axis(const char* where, const Tensor& x, int axis);

/// One spatial axis of a convolution or pooling.
struct Window {
  int64_t kernel, stride, pad, dilation = 1;
  bool ceil_mode = false;
};
/// The output's extent, at least 1. ValueError for options out of range, ShapeError when the
/// window does not fit.
int64_t output_extent(const char* where, int64_t extent, const Window& window);
/// The shapes of what conv2d and pooling give, their arguments checked: of images or of replicas.
Shape conv2d_shape(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const Conv2dOptions& options);
Shape pool2d_shape(const char* where, const Shape& x, const Pool2dOptions& options);

}  // namespace hebb
