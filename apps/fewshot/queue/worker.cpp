#include "apps/fewshot/queue/worker.hpp"

#include <utility>

#include "apps/common/app.hpp"
#include "core/check.hpp"

namespace hebb::apps {

std::optional<int64_t> Worker::take() {
  if (orders_.empty()) return std::nullopt;
  const int64_t run = orders_.front();
  orders_.pop_front();
  return run;
}

void Worker::finish(int64_t run, const RunResult& result) {
  tell({.kind = Report::Kind::finished, .run = run, .result = result});
}

void Worker::tell(Report report) {
  report.rank = communicator().rank();
  report.runs = runs_;
  unsent_.push_back(report);
}

void Worker::exchange(std::chrono::duration<double> since_last) {
  while (const auto order = communicator().receive<Order>(false)) {
    silence_.broken();
    if (order->kind == Order::Kind::run) orders_.push_back(order->run);
    if (order->kind == Order::Kind::end) told_to_end_ = true;
  }
  check<Error>(told_to_end_ || !silence_.lasts(since_last),
               "rank 0, which has the results, has died (nothing heard of it for {} s)",
               Silence::limit.count());
  if (told_to_end_) stop();
  if (Interrupt::requested() && !std::exchange(said_interrupted_, true))
    tell({.kind = Report::Kind::interrupted});
  if (told_to_end_ && idle()) {
    tell({.kind = Report::Kind::ended});
    said_end_ = true;
  }
  since_told_ += since_last;
  if (unsent_.empty() && since_told_ > between_signs) tell({});
  if (!unsent_.empty()) since_told_ = {};
  for (const Report& report : unsent_) communicator().send(0, report);
  unsent_.clear();
}

}  // namespace hebb::apps
