#include "apps/train/settings.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/train/recipes.hpp"
#include "core/conv_policy.hpp"
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
  app.add_option("--data", data,
                 "Folder of the data sets (otherwise $HEBB_DATA, then the cache folder)");
  app.add_option("--train-limit", train_limit, "Train on this many samples, chosen by the seed");
  app.add_option("--test-limit", test_limit, "Test on this many samples, chosen by the seed");
  app.add_option("--shots", shots, "Train on this many samples of each class, drawn by the seed")
      ->excludes("--train-limit");
  app.add_option("--validation", validation, "Hold this many training samples out");
  app.add_flag("--normalize,!--no-normalize", normalize,
               "Give pixels mean 0 and deviation 1 (training set's)");
  app.add_option("--crop", crop, "Random crops after padding by this many pixels");
  app.add_flag("--flip,!--no-flip", flip, "Random horizontal flips");

  app.add_option("--model", model, known_models().help())->capture_default_str();
  app.add_option("--activation", activation, Activation::kinds().help())->capture_default_str();
  app.add_option("--init", init, Initializer::kinds().help())->capture_default_str();
  app.add_option("--dropout", dropout, "Probability of dropout in the dense layers");

  app.add_option("--regularizer", regularizers, known_regularizers().help() + " (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--label-smoothing", label_smoothing, "Share of the uniform distribution");

  app.add_option("--optimizer", optimizer,
                 known_optimizers().help() +
                     "; each with decay-on=all|weights, where weights are "
                     "neither biases nor parts of normalisations")
      ->capture_default_str();
  app.add_option("--lr", lr, "Learning rate")->capture_default_str();
  app.add_option("--schedule", schedule,
                 Schedule::kinds().help() + "; each with warmup=EPOCHS,warmup-start=SHARE")
      ->capture_default_str();
  app.add_option("--clip-norm", clip_norm, "Limit of the gradients' common 2-norm");
  app.add_option("--epochs", epochs)->capture_default_str();
  app.add_option("--batch-size", batch_size)->capture_default_str();
  app.add_option("--early-stopping", early_stopping, EarlyStopping::monitors().help())
      ->capture_default_str();
  app.add_option("--patience", patience, "Epochs without getting better before stopping")
      ->capture_default_str();
  app.add_option("--min-change", min_change, "What counts as better, as a share")
      ->capture_default_str();
  app.add_option("--on-divergence", on_divergence,
                 "When the training loss is not finite any more: " + divergence_choices().help())
      ->capture_default_str();

  app.add_option("--seed", seed, "Decides everything random")->capture_default_str();
  app.add_option("--threads", threads, "Threads (otherwise one for each core)");
  app.add_option("--device", device, "cpu or cuda:N")->capture_default_str();
  app.add_option("--conv-policy", conv_policy,
                 conv_policies().help() + " (without Winograd's algorithms)")
      ->capture_default_str();
  app.add_flag("--explain-kernels", explain_kernels,
               "Print which algorithm computes each convolution");
  app.add_option("--output", output, "Folder for the run's files (otherwise none are written)");
  app.add_flag("--overwrite", overwrite, "Let --output replace a run");
  app.add_flag("--quiet", quiet, "Print the last line only");
  app.footer(
      "Examples:\n"
      "  hebb-train --model lenet5 --epochs 3\n"
      "  hebb-train --dataset cifar10 --data DIR --model resnet18 --recipe fast --output "
      "runs/fast\n"
      "  hebb-train --dataset mnist --data DIR --shots 10 --batch-size 1 --epochs 50 \\\n"
      "      --regularizer bean:order=1,alpha=100\n"
      "  hebb-train --model mlp --regularizer bean:order=2,alpha=3e4 --regularizer l1:lambda=1e-5 "
      "\\\n      --validation 5000 --early-stopping validation-loss --output runs/mlp");
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
          {"early_stopping", early_stopping},
          {"patience", patience},
          {"min_change", min_change},
          {"on_divergence", on_divergence},
          {"seed", seed},
          {"threads", threads},
          {"device", device},
          {"conv_policy", conv_policy}};
}

}  // namespace hebb::apps
