#pragma once

#include <cstdint>
#include <string_view>

#include "core/api.hpp"
#include "core/choice.hpp"

namespace HEBB_API hebb {

/// The learning rate over a training run, relative to a base rate; a value type whose defaults
/// mean a constant rate. PyTorch's StepLR, CosineAnnealingLR, OneCycleLR and LinearLR.
struct Schedule {
  enum class Kind {
    constant,
    step,       ///< base · gamma^⌊t / every⌋
    cosine,     ///< Half a cosine from base down to `floor` at the end.
    one_cycle,  ///< Cosine up from peak / start to peak, then down to peak / (start · end).
  };
  Kind kind = Kind::constant;

  double every = 10, gamma = 0.1;  ///< step; `every` is counted in epochs.
  double floor = 0;                ///< cosine
  double peak = 0;                 ///< one-cycle; 0: the base rate.
  double share = 0.3;              ///< one-cycle: share of the run that goes up.
  double start = 25, end = 1e4;    ///< one-cycle: what the rate is divided by.

  /// Epochs at the beginning in which the rate rises linearly, from `warmup_start` of what the
  /// schedule begins with to all of it; the schedule itself takes what is left of the run.
  double warmup = 0;
  double warmup_start = 1.0 / 3;

  /// Reads "constant", "step:every=10,gamma=0.1", "cosine:floor=1e-5" or
  /// "one-cycle:peak=0.1,share=0.3,start=25,end=1e4", each with "warmup=5" and "warmup-start=0.1"
  /// where wanted. ValueError otherwise, naming the known ones.
  static Schedule parse(std::string_view text);
  static const Choices<Kind>& kinds();

  /// The rate of a step, counted from 0, in a run of `total_steps`. Epochs are as long as
  /// `steps_per_epoch` says; with 1 they are steps.
  double lr_at(int64_t step, int64_t total_steps, double base_lr,
               int64_t steps_per_epoch = 1) const;
};

}  // namespace hebb
