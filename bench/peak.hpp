#pragma once

namespace hebb::bench {

/// Multiply-adds per second that one core reaches in registers alone, counted as two operations
/// each: what shares of the peak refer to. In GFLOP/s, the best of a few short runs.
double measure_peak();

}  // namespace hebb::bench
