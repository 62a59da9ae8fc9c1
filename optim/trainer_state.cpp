#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/check.hpp"
#include "core/ops/reduce.hpp"
#include "optim/trainer_run.hpp"

namespace hebb {
namespace {

using Row = std::vector<double*>;

// The numbers of an epoch's metrics under the names that a state has them by.
std::vector<std::pair<std::string, Row>> rows_of(EpochMetrics& m) {
  std::vector<std::pair<std::string, Row>> rows = {
      {"history.lr", {&m.lr}},
      {"history.train", {&m.train.loss, &m.train.accuracy}},
      {"history.seconds", {&m.seconds, &m.loader_seconds, &m.images_per_second}}};
  if (m.validation)
    rows.push_back({"history.validation", {&m.validation->loss, &m.validation->accuracy}});
  if (m.test) rows.push_back({"history.test", {&m.test->loss, &m.test->accuracy}});
  Row& penalties = rows.emplace_back("history.penalties", Row()).second;
  for (double& penalty : m.penalties) penalties.push_back(&penalty);
  return rows;
}

Tensor floats(const std::vector<double>& values) {
  return Tensor::from<double>(values, {std::ssize(values)});
}

// Random states are unsigned; a file has their bits.
Tensor words(std::initializer_list<uint64_t> values) {
  std::vector<int64_t> bits;
  for (const uint64_t value : values) bits.push_back(int64_t(value));
  return Tensor::from<int64_t>(bits, {std::ssize(bits)});
}

}  // namespace

EpochTotals::EpochTotals(size_t regularizers, Device device)
    : sums(Tensor::zeros({2 + int64_t(regularizers)}, {DType::float64, device})) {}

void EpochTotals::add(const TrainStep& step, const Batch& batch) {
  const double size = batch.counted();
  std::vector<Weighted> terms{
      {step.loss, size},
      {count_equal(argmax(step.logits, 1), batch.labels), 1.0 / double(batch.rows.copies)}};
  for (size_t i = 0; i < step.penalties.size(); ++i) terms.push_back({step.penalties[i], size});
  accumulate(sums, terms);
}

bool EpochTotals::are_finite() const {
  const Tensor here = sums.to(Device::cpu());  // on the CPU itself
  return std::ranges::all_of(here.host<double>(), [](double sum) { return std::isfinite(sum); });
}

std::vector<double> EpochTotals::means() const {
  std::vector<double> means = sums.to_vector<double>();
  for (double& mean : means) mean /= double(std::max<int64_t>(images, 1));
  return means;
}

void Trainer::Run::end_epoch(const EpochMetrics& metrics, const LoaderPosition& next) {
  history.push_back(metrics);
  position = next;
  totals.sums.fill(0);
  totals.images = 0;
  seconds = loader_seconds = 0;
}

State Trainer::state() const {
  check(run_ != nullptr, "[trainer] expected a state to be asked for once a fit has begun");
  return state_of(*run_);
}

State Trainer::state_of(const Run& run) const {
  State state;
  add_part(state, "model.", model_.state());
  add_part(state, "optimizer.", optimizer_.state());
  add_part(state, "trainer.", run.state());
  return state;
}

// An epoch's metrics without their values: it says how wide the rows are.
EpochMetrics Trainer::Run::blank() const {
  EpochMetrics metrics;
  metrics.penalties.resize(totals.regularizers());
  if (has_validation) metrics.validation.emplace();
  if (has_test) metrics.test.emplace();
  return metrics;
}

State Trainer::Run::state() const {
  const Generator::State random = dropout.state();
  State state{
      {"loader", words({position.seed, uint64_t(position.epoch), uint64_t(position.batch)})},
      {"dropout", words({random.seed, random.stream, random.offset})},
      {"epoch.images", words({uint64_t(totals.images)})},
      {"epoch.sums", floats(totals.sums.to_vector<double>())},
      {"epoch.seconds", floats({seconds, loader_seconds})},
      {"best", floats({best})},
      {"epochs_since_best", words({uint64_t(since_best)})}};
  EpochMetrics metrics = blank();
  for (const auto& [name, row] : rows_of(metrics))
    state[name] = Tensor::zeros({std::ssize(history), std::ssize(row)}, {.dtype = DType::float64});
  for (size_t epoch = 0; epoch < history.size(); ++epoch) {
    metrics = history[epoch];
    for (const auto& [name, row] : rows_of(metrics))
      for (size_t i = 0; i < row.size(); ++i)
        state.at(name).host<double>()[epoch * row.size() + i] = *row[i];
  }
  return state;
}

void Trainer::Run::read(const State& state, Device device) {
  const auto floats = [&](const std::string& name) {
    return state.at(name).to(Device::cpu()).to(DType::float64).to_vector<double>();
  };
  const auto integers = [&](const std::string& name) {
    return state.at(name).to(Device::cpu()).to(DType::int64).to_vector<int64_t>();
  };
  const auto count = [&](const std::string& name, size_t i) {
    const int64_t value = integers(name)[i];
    check(value >= 0, "[trainer] expected {} of at least 0, got {}", name, value);
    return value;
  };
  const std::vector<int64_t> loader = integers("loader"), random = integers("dropout");
  const std::vector<double> times = floats("epoch.seconds");
  position = {.seed = uint64_t(loader[0]), .epoch = loader[1], .batch = loader[2]};
  check(position.epoch == std::ssize(history),
        "[trainer] expected metrics of {} epochs before this one, got {}", position.epoch,
        history.size());
  dropout.set_state({uint64_t(random[0]), uint64_t(random[1]), uint64_t(random[2])});
  totals.images = count("epoch.images", 0);
  totals.sums = state.at("epoch.sums").to(DType::float64).to(device).clone();
  seconds = times[0];
  loader_seconds = times[1];
  best = floats("best")[0];
  since_best = count("epochs_since_best", 0);
  std::map<std::string, std::vector<double>> columns;
  EpochMetrics metrics = blank();
  for (const auto& [name, row] : rows_of(metrics)) columns[name] = floats(name);
  for (size_t epoch = 0; epoch < history.size(); ++epoch) {
    history[epoch].epoch = int64_t(epoch) + 1;
    for (const auto& [name, row] : rows_of(history[epoch]))
      for (size_t i = 0; i < row.size(); ++i) *row[i] = columns.at(name)[epoch * row.size() + i];
  }
}

// Everything is checked before anything is changed.
void Trainer::load(const State& from, Loader& loader) {
  Run run = *run_;
  const auto epochs = from.find("trainer.history.lr");
  if (epochs != from.end() && epochs->second.rank() == 2 && epochs->second.size(1) == 1)
    run.history.assign(size_t(epochs->second.size(0)), run.blank());
  check_state(state_of(run), from, "trainer");
  run.read(part_of(from, "trainer."), device_);
  loader.seek(run.position);
  optimizer_.load_state(part_of(from, "optimizer."));
  model_.load_state(part_of(from, "model."));
  *run_ = std::move(run);
}

}  // namespace hebb
