#include "core/tensor.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"

namespace hebb {

Tensor::Body::Body(Ref<Storage> memory, int64_t first, const Shape& extents, DType type,
                   Layout order)
    : storage(std::move(memory)), offset(first), shape(extents), dtype(type), layout(order) {}

Tensor::Body::~Body() = default;

Tensor Tensor::empty(const Shape& shape, TensorOptions options, Layout layout) {
  const int64_t bytes = checked_multiply(shape.numel(), int64_t(size_of(options.dtype)), "tensor");
  return Tensor(make_ref<Body>(Storage::allocate(size_t(bytes), options.device), 0, shape,
                               options.dtype, layout));
}

Tensor Tensor::full(const Shape& shape, double value, TensorOptions options) {
  const Tensor x = empty(shape, options);
  x.fill(value);
  return x;
}

Tensor Tensor::from_bytes(const void* values, int64_t count, const Shape& shape, DType dtype,
                          Device device) {
  check<ShapeError>(count == shape.numel(), "[tensor] expected {} values for shape {}, got {}",
                    shape.numel(), shape, count);
  const Tensor x = empty(shape, {dtype, device});
  backend_of(x)->copy_from_host(x, values);
  return x;
}

std::string Tensor::to_string() const {
  if (!defined()) return "undefined";
  return fmt::format("{} {} on {}", name_of(dtype()), shape().to_string(), device().to_string());
}

void Tensor::require_dtype(DType wanted) const {
  check<DTypeError>(dtype() == wanted, "[tensor] expected elements of {}, got {}", name_of(wanted),
                    *this);
}

void Tensor::require_host(DType wanted) const {
  require_dtype(wanted);
  check<DeviceError>(device().is_cpu(), "[tensor] expected a tensor on cpu, got {}", *this);
}

void Tensor::copy_to_host(void* destination) const {
  backend_of(*this)->copy_to_host(destination, row_major());
}

double Tensor::item() const {
  check<ShapeError>(numel() == 1, "[item] expected one element, got {}", *this);
  switch (dtype()) {
    case DType::float32:
      return to_vector<float>()[0];
    case DType::float64:
      return to_vector<double>()[0];
    case DType::int64:
      return double(to_vector<int64_t>()[0]);
    case DType::int32:
      return to_vector<int32_t>()[0];
    case DType::uint8:
      return to_vector<uint8_t>()[0];
    case DType::bfloat16:
      return detach().to(DType::float32).item();
  }
  return 0;
}

Tensor Tensor::to(Device target) const {
  if (target == device()) return *this;
  const Tensor x = detach();
  const Tensor y = empty(shape(), {dtype(), target});
  y.copy_from(x);
  return record("to", y, {*this},
                [from = device()](const Tensor& dy) { return Grads{dy.to(from)}; });
}

Tensor Tensor::to(DType target) const {
  if (target == dtype()) return *this;
  const Tensor y = backend_of(*this)->cast(*this, target);
  if (!is_floating(target)) return y;
  return record("to", y, {*this},
                [from = dtype()](const Tensor& dy) { return Grads{dy.to(from)}; });
}

Tensor Tensor::clone() const {
  const Tensor copy = empty(shape(), options(), layout());
  backend_of(*this)->copy(copy, *this);
  return copy;
}

Tensor Tensor::detach() const { return view(shape()); }

void Tensor::copy_from(const Tensor& source) const {
  check<ShapeError>(source.shape() == shape(), "[copy_from] expected shape {}, got {}", shape(),
                    source.shape());
  const Tensor same = source.dtype() == dtype() ? source : source.detach().to(dtype());
  if (same.device() == device())
    backend_of(*this)->copy(*this, same.with_layout(layout()));
  else if (layout() != Layout::row_major)
    copy_from(same.detach().to(device()));
  else if (same.device().is_cpu())
    backend_of(*this)->copy_from_host(*this, same.data());
  else if (device().is_cpu())
    backend_of(same)->copy_to_host(data(), same.row_major());
  else
    copy_from(same.detach().to(Device::cpu()));
}

void Tensor::fill(double value) const { backend_of(*this)->fill(*this, value); }

Tensor Tensor::with_layout(Layout wanted) const {
  return layout() == wanted ? *this : backend_of(*this)->with_layout(*this, wanted);
}

Tensor Tensor::view(const Shape& extents, int64_t first) const {
  if (layout() != Layout::row_major && (first != 0 || extents != shape()))
    return row_major().view(extents, first);
  return Tensor(make_ref<Body>(body_->storage, body_->offset + first * int64_t(size_of(dtype())),
                               extents, dtype(), layout()));
}

Tensor Tensor::reshape(const Shape& extents) const {
  check<ShapeError>(extents.numel() == numel(), "[reshape] expected a shape of {} elements, got {}",
                    numel(), extents);
  return record("reshape", view(extents), {*this},
                [from = shape()](const Tensor& dy) { return Grads{dy.reshape(from)}; });
}

Tensor Tensor::reshape(std::initializer_list<int64_t> extents) const {
  std::array<int64_t, Shape::max_rank> values{};
  check<ShapeError>(extents.size() <= values.size(), "[reshape] expected at most {} axes, got {}",
                    values.size(), extents.size());
  int64_t known = 1;
  int unknown = -1, axis = 0;
  for (const int64_t extent : extents) {
    if (extent == -1) {
      check<ShapeError>(unknown < 0, "[reshape] expected at most one extent of -1");
      unknown = axis;
    } else {
      known = checked_multiply(known, extent, "reshape");
    }
    values[axis++] = extent;
  }
  if (unknown >= 0) {
    check<ShapeError>(known > 0 && numel() % known == 0,
                      "[reshape] expected extents that divide {} elements, got {}", numel(),
                      fmt::join(extents, ", "));
    values[unknown] = numel() / known;
  }
  return reshape(Shape(std::span<const int64_t>(values.data(), extents.size())));
}

Tensor Tensor::slice(int64_t begin, int64_t end) const {
  check<ShapeError>(rank() >= 1, "[slice] expected at least one axis, got {}", *this);
  check<ShapeError>(0 <= begin && begin <= end && end <= size(0),
                    "[slice] expected 0 <= begin <= end <= {}, got [{}, {})", size(0), begin, end);
  const int64_t row = shape().product(1, rank());
  const Tensor y = view(shape().with(0, end - begin), begin * row);
  return record("slice", y, {*this}, [from = shape(), begin, row](const Tensor& dy) {
    const Tensor dx = zeros(from, dy.options());
    dx.view(dy.shape(), begin * row).copy_from(dy);
    return Grads{dx};
  });
}

Tensor& Tensor::set_requires_grad(bool value) {
  check<DTypeError>(!value || is_floating(dtype()),
                    "[requires_grad] expected float32, float64 or bfloat16, got {}", *this);
  check<ValueError>(!body_->node, "[requires_grad] expected a leaf, got the result of {}",
                    body_->node ? body_->node->name : "");
  body_->requires_grad = value;
  return *this;
}

Tensor Tensor::grad() const { return body_->grad; }

void Tensor::set_grad(Tensor gradient) const {
  check<ShapeError>(!gradient.defined() || gradient.shape() == shape(),
                    "[set_grad] expected shape {}, got {}", shape(), gradient);
  body_->grad = std::move(gradient);
}

}  // namespace hebb
