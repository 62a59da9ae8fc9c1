#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/api.hpp"
#include "data/loader.hpp"
#include "optim/peers.hpp"
#include "optim/schedule.hpp"
#include "optim/train_step.hpp"

namespace HEBB_API hebb {

struct EarlyStopping {
  /// What has to get better: the loss on the validation set, or the training loss (its
  /// convergence, which the paper trains to).
  enum class Monitor { none, validation_loss, train_loss } monitor = Monitor::none;
  int64_t patience = 5;      ///< Epochs without getting better before training ends.
  double min_change = 1e-3;  ///< What counts as better, as a share of the best so far.

  static const Choices<Monitor>& monitors();
};

/// What becomes of a run whose loss is no finite number any more.
enum class OnDivergence {
  stop,   ///< DivergenceError.
  go_on,  ///< Nothing: for those who want to watch.
};
const Choices<OnDivergence>& divergence_choices();

/// A training loss, or a penalty, that is not finite. Steps and epochs count from 1.
class DivergenceError : public Error {
 public:
  DivergenceError(const std::string& text, int64_t epoch, int64_t step)
      : Error(text), epoch_(epoch), step_(step) {}
  int64_t epoch() const { return epoch_; }
  int64_t step() const { return step_; }  ///< Of the epoch.

 private:
  int64_t epoch_, step_;
};

struct TrainerOptions {
  int64_t epochs = 10;
  int64_t batch_size = 100;
  bool drop_last = false;
  uint64_t seed = 0;  ///< Decides the order of samples, transforms and dropout.
  Schedule schedule = {};
  double label_smoothing = 0;
  double clip_norm = 0;  ///< Limit of the gradients' common 2-norm; 0: none.
  EarlyStopping early_stopping = {};
  OnDivergence on_divergence = OnDivergence::stop;
  Transform transform = {};             ///< Of training samples alone, random or not.
  Transform evaluation_transform = {};  ///< Of all samples; in training after `transform`.
  int64_t evaluation_batch_size = 500;
  /// Each batch goes through the model in so many parts, whose gradients are added up before the
  /// update: the step of the whole batch, but for rounding and for batch statistics, which are each
  /// part's own.
  int64_t accumulate = 1;
  /// Those who train with this process, each on its share of every batch; null: it is alone. See
  /// Trainer. Lives at least as long as the trainer.
  Peers* peers = nullptr;
  /// Batch statistics over the samples of all ranks, in place of each rank's own: two more sums
  /// over the ranks for each normalisation and direction, which nothing hides.
  bool sync_batch_norm = false;
};

struct Evaluation {
  double loss = 0;      ///< Mean cross-entropy.
  double accuracy = 0;  ///< A fraction.
};

struct EpochMetrics {
  int64_t epoch = 0;  ///< From 1.
  double lr = 0;      ///< At the epoch's last step.
  /// Mean cross-entropy and accuracy over the epoch's batches, as they were trained on.
  Evaluation train;
  std::vector<double> penalties;  ///< Mean of each regularizer's penalty, in their order.
  std::optional<Evaluation> validation, test;
  double seconds = 0;         ///< Of training alone.
  double loader_seconds = 0;  ///< Those of them in which the step waited for its batch.
  double images_per_second = 0;
};

class RecordedSteps;

/// The parts of a data set.
struct Splits {
  const Dataset* train = nullptr;
  const Dataset* validation = nullptr;  ///< May be absent.
  const Dataset* test = nullptr;        ///< May be absent.
};

/// Why `fit` returned.
enum class Stopped { all_epochs, early, requested };

/// Trains a model: cross-entropy plus the regularizers' penalties, epoch after epoch.
///
/// Away from the CPU the steps of a fit are recorded and repeated (core/ops/record_step.hpp). What
/// is on the device changes from step to step: weights, the learning rate that the schedule gives,
/// counts, random numbers, the place in the epoch. What the host changes between steps, in on_step
/// say, is not seen by the steps of that fit that are recorded already: options of regularizers and
/// layers, scales of the optimiser, which parameters ask for gradients, and tensors that take
/// another's place. A batch's shape has a recording of its own, made at its third step. With peers
/// or accumulated parts, with HEBB_CUDA_GRAPHS=0 and while a profile is on, steps are called.
///
/// With peers every rank calls fit, evaluate and try_evaluate with the same data and options, and a
/// fit is that of one process, but for rounding: ranks begin with the weights of rank 0, share each
/// batch, draw the dropout and the transforms that the one process draws for their rows, and update
/// with the sum of their gradients, each weighted by its share of the samples. So means over
/// samples are means over all ranks' samples, and penalties of weights alone count once. Metrics,
/// states, stops and divergence are the same on all ranks; batch statistics are each rank's own
/// unless the options say otherwise, and the running ones of rank 0 hold from each epoch's end on.
class Trainer {
 public:
  Trainer(Module& model, Optimizer& optimizer, Regularizers regularizers = {},
          TrainerOptions options = {});

  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Each call begins anew with the schedule, the order of samples and dropout; the weights and the
  /// optimiser's state go on. ValueError for options out of their range, early stopping on a
  /// validation set that is not there, or an empty training set. DivergenceError, unless options
  /// say otherwise, for a loss that is not finite: after its step on the CPU, within 50 steps
  /// elsewhere, as to look at a loss is to wait for the device.
  Stopped fit(const Splits& data);
  /// Goes on from what `state` gave in a fit with the same data and options, in the middle of an
  /// epoch or after the run's end, and gives the same bits as that fit gives or would have given.
  /// ValueError, which lists all that is missing, unexpected or of another shape, for a state that
  /// does not fit; then nothing has changed.
  Stopped fit(const Splits& data, const State& from);

  /// All of the run: weights ("model."), the optimiser's state ("optimizer."), and the run's own
  /// ("trainer."): where the loader and the generators stand, sums of the epoch under way, what
  /// early stopping waits for, metrics. What save_safetensors writes is a checkpoint. To be asked
  /// in on_step and on_epoch, or after a fit that returned (ValueError before one); the tensors of
  /// weights and moments are the run's own, not copies.
  State state() const;
  /// What the epochs that are complete came to.
  const std::vector<EpochMetrics>& history() const;

  /// Loss and accuracy without a graph, in inference mode.
  Evaluation evaluate(const Dataset& dataset) const;
  /// The same, or nothing when a stop is requested before its end.
  std::optional<Evaluation> try_evaluate(const Dataset& dataset) const;

  /// Called after every epoch, and once more for the part of one in which a stop was requested:
  /// that one is not evaluated.
  std::function<void(const EpochMetrics&)> on_epoch;
  /// Called once in every fit, before its first step.
  std::function<void()> on_begin;
  /// Called after every step with its number in the epoch, from 1, and the steps of an epoch.
  std::function<void(int64_t step, int64_t steps)> on_step;
  /// Asked after every step, and every batch that is evaluated; true ends training there.
  std::function<bool()> stop_requested;

  const Regularizers& regularizers() const { return regularizers_; }

 private:
  struct Run;
  Loader begin(const Splits& data);
  void load(const State& from, Loader& loader);
  Stopped go_on(const Splits& data, Loader& loader);
  State state_of(const Run& run) const;
  void check_options(const Splits& data) const;
  LoaderOptions loader_options() const;
  bool run_epoch(Loader& loader, RecordedSteps& steps, EpochMetrics& metrics);
  bool has_waited_enough() const;
  void check_loss(int64_t step, int64_t steps) const;
  void shared_step(const Batch& batch);
  bool any_rank(bool here) const;
  void take_weights_of_root() const;
  void take_statistics_of_root() const;
  int rank() const { return options_.peers ? options_.peers->rank() : 0; }
  int ranks() const { return options_.peers ? options_.peers->size() : 1; }
  std::optional<Evaluation> look_at(const Dataset& dataset,
                                    const std::function<bool()>& stop) const;

  Module& model_;
  Optimizer& optimizer_;
  Regularizers regularizers_;
  TrainerOptions options_;
  Device device_;
  double base_lr_;
  std::unique_ptr<Run> run_;  // of the last fit
};

}  // namespace hebb
