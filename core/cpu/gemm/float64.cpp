#include <Eigen/Core>

#include "core/cpu/gemm/gemm.hpp"

// float64 is there for checking: Eigen's product serves it.
namespace hebb::cpu::HEBB_ISA {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstView = Eigen::Map<const Matrix, Eigen::Unaligned, Eigen::OuterStride<>>;
using View = Eigen::Map<Matrix, Eigen::Unaligned, Eigen::OuterStride<>>;

/// An operand of so many rows and columns as it is stored.
ConstView view(const Operand<double>& x, int64_t rows, int64_t columns) {
  return {x.data, x.transposed ? columns : rows, x.transposed ? rows : columns,
          Eigen::OuterStride<>(x.stride)};
}

}  // namespace

template <>
void gemm(const Product<double>& q) {
  if (q.m <= 0 || q.n <= 0) return;
  View out(q.c, q.m, q.n, Eigen::OuterStride<>(q.c_stride));
  if (q.beta == 0)
    out.setZero();
  else
    out *= q.beta;
  const ConstView left = view(q.a, q.m, q.k), right = view(q.b, q.k, q.n);
  if (q.a.transposed && q.b.transposed)
    out.noalias() += q.alpha * left.transpose() * right.transpose();
  else if (q.a.transposed)
    out.noalias() += q.alpha * left.transpose() * right;
  else if (q.b.transposed)
    out.noalias() += q.alpha * left * right.transpose();
  else
    out.noalias() += q.alpha * left * right;
  if (q.row_bias) out.colwise() += Eigen::Map<const Eigen::VectorXd>(q.row_bias, q.m);
  if (q.column_bias) out.rowwise() += Eigen::Map<const Eigen::RowVectorXd>(q.column_bias, q.n);
}

}  // namespace hebb::cpu::HEBB_ISA
