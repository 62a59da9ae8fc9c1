#pragma once

#include "core/cpu/conv2d/rasters.hpp"

/// What a convolution on rasters multiplies, worked out axis by axis.
namespace hebb::cpu::HEBB_ISA::bfloat16 {

/// One axis: output u meets the padded input's element u * stride + t * dilation with weight t.
struct Axis {
  int64_t extent, kernel, stride, pad, dilation, outputs;

  int64_t phase(int64_t t) const { return t * dilation % stride; }
  int64_t whole(int64_t t) const { return t * dilation / stride; }

  static Axis of_rows(const ConvGeometry& g) {
    return {g.height, g.kernel_h, g.stride_h, g.pad_h, g.dilation_h, g.out_h};
  }
  static Axis of_columns(const ConvGeometry& g) {
    return {g.width, g.kernel_w, g.stride_w, g.pad_w, g.dilation_w, g.out_w};
  }
};

/// What a raster's axis has: those `phases` of `step` that weights meet, each of count elements,
/// the first one `lead` before the plane. Weights shift it by no more than most_shift.
struct Extent {
  int64_t step, phases, lead, count, most_shift;
};

/// The input's gradient by phases of the padded input: those elements of the input that weights of
/// the same phase meet. `first` is the first of them, and element u meets the output
/// u + base - whole(t).
struct Phase {
  int64_t first, count, base;

  Phase(const Axis& axis, int64_t a) {
    base = ceil_div(larger(0, axis.pad - a), axis.stride);
    first = base * axis.stride + a - axis.pad;
    count = first < axis.extent ? ceil_div(axis.extent - first, axis.stride) : 0;
  }
};

inline Extent forward_extent(const Axis& axis) {
  const int64_t most = axis.whole(axis.kernel - 1);
  int64_t phases = 0;
  for (int64_t t = 0; t < axis.kernel; ++t) phases = larger(phases, axis.phase(t) + 1);
  return {axis.stride, phases, axis.pad, axis.outputs + most, most};
}

inline Extent backward_extent(const Axis& axis) {
  const int64_t unset = -(int64_t(1) << 40);
  int64_t lead = unset;
  for (int64_t t = 0; t < axis.kernel; ++t)
    lead = larger(lead, axis.whole(t) - Phase(axis, axis.phase(t)).base);
  Extent result{1, 1, lead, 0, 0};
  for (int64_t t = 0; t < axis.kernel; ++t) {
    const Phase phase(axis, axis.phase(t));
    const int64_t shift = lead + phase.base - axis.whole(t);
    result.count = larger(result.count, phase.count + shift);
    result.most_shift = larger(result.most_shift, shift);
  }
  return result;
}

/// The columns that neighbouring images can have in common.
inline int64_t shared_zeros(const Extent& e, int64_t extent) {
  int64_t shared = e.most_shift;
  for (int64_t b = 0; b < e.phases; ++b) {
    const Zeros zeros(b, e.step, e.lead, extent, e.count);
    shared = smaller(shared, smaller(zeros.before, e.count - zeros.before - zeros.inside));
  }
  return shared;
}

/// A weight, and where in the raster stands what it meets.
struct Tap {
  int64_t number, phase, shift_h, shift_w;
  int64_t offset(const Raster& r) const { return phase * r.phase() + shift_h * r.row() + shift_w; }
};

/// One grid of outputs, rows x columns of an image, with the taps that it adds up.
struct Pass {
  int64_t rows, columns, first;  // where its first output stands in its plane
  int64_t first_tap, taps;
};

/// How images and rows of outputs are cut into pieces.
struct Cut {
  int64_t batch, rows, images_per_piece, rows_per_piece, strips, pieces;

  /// `image` is what an image's raster takes, and `most` what a piece may.
  Cut(int64_t images, int64_t output_rows, int64_t halo, int64_t image, int64_t most)
      : batch(images), rows(output_rows) {
    const int64_t at_once = larger(1, smaller(batch, most / larger(1, image)));
    images_per_piece = ceil_div(batch, larger(1, ceil_div(batch, at_once)));
    const int64_t row = larger(1, image / (rows + halo));
    strips = image <= most ? 1 : ceil_div(rows, larger(larger(1, halo), most / row - halo));
    rows_per_piece = ceil_div(rows, strips);
    strips = ceil_div(rows, rows_per_piece);
    pieces = batch == 0 ? 0 : ceil_div(batch, images_per_piece) * strips;
  }

  int64_t first_image(int64_t piece) const { return piece / strips * images_per_piece; }
  int64_t images(int64_t piece) const {
    return smaller(images_per_piece, batch - first_image(piece));
  }
  int64_t first_row(int64_t piece) const { return piece % strips * rows_per_piece; }
  int64_t last_row(int64_t piece) const { return smaller(rows, first_row(piece) + rows_per_piece); }
  /// The raster of a piece.
  Raster raster(int64_t piece, const Extent& h, const Extent& w, int64_t height,
                int64_t width) const {
    return {.height = height,
            .width = width,
            .step_h = h.step,
            .step_w = w.step,
            .phases_h = h.phases,
            .phases_w = w.phases,
            .lead_h = h.lead - first_row(piece) * h.step,
            .lead_w = w.lead,
            .images = images(piece),
            .rows = last_row(piece) - first_row(piece) + h.most_shift,
            .columns = w.count - shared_zeros(w, width)};
  }
};

}  // namespace hebb::cpu::HEBB_ISA::bfloat16
