#include "optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/spec.hpp"

namespace hebb {
namespace {

// From `begin` at 0 to `end` at 1.
double half_cosine(double begin, double end, double at) {
  return end + (begin - end) / 2 * (1 + std::cos(std::numbers::pi * std::min(at, 1.0)));
}

double one_cycle(const Schedule& s, double step, double total, double peak) {
  const double first = peak / s.start;
  const double top = s.share * total - 1, last = total - 1;
  if (step <= top && top > 0) return half_cosine(first, peak, step / top);
  return half_cosine(peak, first / s.end, last > top ? (step - top) / (last - top) : 1);
}

}  // namespace

const Choices<Schedule::Kind>& Schedule::kinds() {
  static const Choices<Kind> kinds(
      "schedule", {{"constant", Kind::constant},
                   {"step", Kind::step, "every=10,gamma=0.1"},
                   {"cosine", Kind::cosine, "floor=0"},
                   {"one-cycle", Kind::one_cycle, "peak=0.1,share=0.3,start=25,end=1e4"}});
  return kinds;
}

Schedule Schedule::parse(std::string_view text) {
  Spec spec = Spec::parse(text);
  Schedule s;
  switch (s.kind = kinds().at(spec.name)) {
    case Kind::constant:
      break;
    case Kind::step:
      s.every = spec.number("every", s.every, {.above = 0});
      s.gamma = spec.number("gamma", s.gamma, {.above = 0});
      break;
    case Kind::cosine:
      s.floor = spec.number("floor", s.floor, {.at_least = 0});
      break;
    case Kind::one_cycle:
      s.peak = spec.number("peak", s.peak, {.above = 0});
      s.share = spec.number("share", s.share, {.at_least = 0, .at_most = 1});
      s.start = spec.number("start", s.start, {.above = 0});
      s.end = spec.number("end", s.end, {.above = 0});
      break;
  }
  s.warmup = spec.number("warmup", s.warmup, {.at_least = 0});
  s.warmup_start = spec.number("warmup-start", s.warmup_start, {.at_least = 0, .at_most = 1});
  spec.done();
  return s;
}

double Schedule::lr_at(int64_t step, int64_t total_steps, double base_lr,
                       int64_t steps_per_epoch) const {
  const double rising = std::min(warmup * double(steps_per_epoch), double(total_steps));
  const double total = double(total_steps) - rising;
  const double t = std::max(double(step) - rising, 0.0);
  double lr = base_lr;
  switch (kind) {
    case Kind::constant:
      break;
    case Kind::step:
      lr = base_lr * std::pow(gamma, std::floor(t / (every * double(steps_per_epoch))));
      break;
    case Kind::cosine:
      lr = half_cosine(base_lr, floor, total > 0 ? t / total : 0);
      break;
    case Kind::one_cycle:
      lr = one_cycle(*this, t, total, peak > 0 ? peak : base_lr);
      break;
  }
  if (double(step) < rising) lr *= warmup_start + (1 - warmup_start) * double(step) / rising;
  return lr;
}

}  // namespace hebb
