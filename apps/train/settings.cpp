#include "apps/train/settings.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/common/flags.hpp"
#include "apps/train/recipes.hpp"
#include "core/conv_policy.hpp"
#include "core/precision.hpp"
#include "data/catalog.hpp"
#include "layers/models/registry.hpp"
#include "optim/make_optimizer.hpp"
#include "optim/trainer.hpp"
#include "regularizers/parse.hpp"

namespace hebb::apps {

void TrainSettings::add_flags(CLI::App& app) {
  app.add_option("--recipe", recipe,
                 "Flags that go together; those that you give yourself win. " + recipe_help())
      ->capture_default_str();
  app.add_option("--dataset", dataset, known_datasets().help())->capture_default_str();
  add_data_folder(app, data);
  add_number(app, "--train-limit", train_limit, any_count,
             "Train on this many samples, chosen by the seed; 0: all");
  add_number(app, "--test-limit", test_limit, any_count,
             "Test on this many samples, chosen by the seed; 0: all");
  add_number(app, "--shots", shots, any_count,
             "Train on this many samples of each class, drawn by the seed; 0: all")
      ->excludes("--train-limit");
  add_number(app, "--validation", validation, any_count, "Hold this many training samples out");
  app.add_flag("--normalize,!--no-normalize", normalize,
               "Give pixels mean 0 and deviation 1 (training set's)");
  add_number(app, "--crop", crop, {.at_least = 0, .at_most = 1000},
             "Random crops after padding by this many pixels");
  app.add_flag("--flip,!--no-flip", flip, "Random horizontal flips");

  app.add_option("--model", model, known_models().help())->capture_default_str();
  app.add_option("--activation", activation, Activation::kinds().help())->capture_default_str();
  app.add_option("--init", init, Initializer::kinds().help())->capture_default_str();
  add_number(app, "--dropout", dropout, {.at_least = 0, .below = 1},
             "Probability of dropout in the dense layers");

  app.add_option("--regularizer", regularizers, known_regularizers().help() + " (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_number(app, "--label-smoothing", label_smoothing, {.at_least = 0, .at_most = 1},
             "Share of the uniform distribution");

  app.add_option("--optimizer", optimizer,
                 known_optimizers().help() +
                     "; each with decay-on=all|weights, where weights are "
                     "neither biases nor parts of normalisations")
      ->capture_default_str();
  add_number(app, "--lr", lr, learning_rates, "Learning rate");
  app.add_option("--schedule", schedule,
                 Schedule::kinds().help() + "; each with warmup=EPOCHS,warmup-start=SHARE")
      ->capture_default_str();
  add_number(app, "--clip-norm", clip_norm, {.at_least = 0},
             "Limit of the gradients' common 2-norm; 0: none");
  add_number(app, "--epochs", epochs, some);
  add_number(app, "--batch-size", batch_size, some);
  add_number(app, "--accumulate", accumulate, some,
             "Take each batch through the model in so many parts, for machines with little memory");
  app.add_flag("--sync-batch-norm", sync_batch_norm,
               "Normalise by the statistics of all ranks of mpirun, not of each rank's samples");
  app.add_option("--early-stopping", early_stopping, EarlyStopping::monitors().help())
      ->capture_default_str();
  add_number(app, "--patience", patience, some, "Epochs without getting better before stopping");
  add_number(app, "--min-change", min_change, {.at_least = 0, .at_most = 1},
             "What counts as better, as a share");
  app.add_option("--on-divergence", on_divergence,
                 "When the training loss is not finite any more: " + divergence_choices().help())
      ->capture_default_str();

  add_number(app, "--seed", seed, any_seed, "Decides everything random");
  add_number(app, "--threads", threads, thread_counts, "Threads; otherwise one for each core");
  app.add_option("--device", device, "cpu or cuda:N")->capture_default_str();
  app.add_option("--conv-policy", conv_policy,
                 conv_policies().help() + " (without Winograd's algorithms)")
      ->capture_default_str();
  app.add_option("--precision", precision,
                 "What numbers are rounded to before they are multiplied; with bf16 activations "
                 "are, too: " +
                     precisions().help() +
                     " (tf32: on a GPU; bf16: on a GPU or a processor with AVX512-BF16 or AMX)")
      ->capture_default_str();
  app.add_flag("--explain-kernels", explain_kernels,
               "Print which algorithm computes each convolution");
  app.add_option("--output", output, "Folder for the run's files (otherwise none are written)");
  app.add_flag("--overwrite", overwrite, "Let --output replace a run");
  app.add_flag("--resume", resume,
               "Go on with the run in --output from its checkpoint; begin it where there is none")
      ->excludes("--overwrite")
      ->needs("--output");
  app.add_option("--checkpoint-every", checkpoint_every,
                 "When all that --resume needs is written to --output, beside the run's end and "
                 "its interruption: never, or some of epochs=N,steps=N,seconds=T")
      ->capture_default_str();
  app.add_flag("--ignore-lock", ignore_lock,
               "Write to --output even where another run has taken the folder");
  app.add_option("--export-onnx", export_onnx,
                 "File for the trained model in ONNX's format; with --resume and no epochs left, "
                 "this is all that happens");
  app.add_flag("--quiet", quiet, "Print the last line only");
  app.footer(
      "Examples:\n"
      "  hebb-train --model lenet5 --epochs 3\n"
      "  hebb-train --dataset cifar10 --data DIR --model resnet18 --recipe fast --output "
      "runs/fast\n"
      "  hebb-train --dataset mnist --data DIR --shots 10 --batch-size 1 --epochs 50 \\\n"
      "      --regularizer bean:order=1,alpha=100\n"
      "  hebb-train --model mlp --regularizer bean:order=2,alpha=3e4 --regularizer l1:lambda=1e-5 "
      "\\\n      --validation 5000 --early-stopping validation-loss --output runs/mlp --resume");
}

Json TrainSettings::to_json() const {
  return {{"recipe", recipe},
          {"dataset", dataset},
          {"data", data},
          {"train_limit", train_limit},
          {"test_limit", test_limit},
          {"shots", shots},
          {"validation", validation},
          {"normalize", normalize},
          {"crop", crop},
          {"flip", flip},
          {"model", model},
          {"activation", activation},
          {"init", init},
          {"dropout", dropout},
          {"regularizers", regularizers},
          {"label_smoothing", label_smoothing},
          {"optimizer", optimizer},
          {"lr", lr},
          {"schedule", schedule},
          {"clip_norm", clip_norm},
          {"epochs", epochs},
          {"batch_size", batch_size},
          {"accumulate", accumulate},
          {"sync_batch_norm", sync_batch_norm},
          {"early_stopping", early_stopping},
          {"patience", patience},
          {"min_change", min_change},
          {"on_divergence", on_divergence},
          {"seed", seed},
          {"threads", threads},
          {"device", device},
          {"conv_policy", conv_policy},
          {"precision", precision},
          {"checkpoint_every", checkpoint_every}};
}

Json TrainSettings::before_they_were() { return {{"accumulate", 1}, {"sync_batch_norm", false}}; }

const std::vector<std::string>& TrainSettings::free() {
  static const std::vector<std::string> keys = {"data", "threads", "checkpoint_every"};
  return keys;
}

}  // namespace hebb::apps
