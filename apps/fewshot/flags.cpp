#include <CLI/CLI.hpp>

#include "apps/common/flags.hpp"
#include "apps/fewshot/settings.hpp"
#include "apps/fewshot/study/method.hpp"
#include "data/catalog.hpp"

namespace hebb::apps {

void FewShotSettings::add_flags(CLI::App& app) {
  add_study_flags(app);
  protocol.add_flags(app);
  add_mode_flags(app);
  add_imitation_flags(app);
  add_output_flags(app);
  app.footer(
      "Examples:\n"
      "  hebb-fewshot --table1 --data DIR\n"
      "  hebb-fewshot --dataset mnist --data DIR --shots 1,10 --draws 20 --protocol published\n"
      "  hebb-fewshot --ablate-protocol --data DIR\n"
      "  hebb-fewshot --tune --dataset mnist,fashion-mnist --data DIR --output tuning\n"
      "  mpirun -n 4 hebb-fewshot --table1 --data DIR");
}

void FewShotSettings::add_study_flags(CLI::App& app) {
  app.add_flag("--table1", table1, "All of the paper's Table 1, with the Gaussian process");
  app.add_option("--dataset", datasets, known_datasets().help())
      ->delimiter(',')
      ->capture_default_str();
  add_data_folder(app, data);
  add_number(app, "--shots", shots, some, "Training images of each class");
  add_number(app, "--draws", draws, some,
             "Independent draws of training images and initial weights");
  app.add_option("--methods", methods, known_methods().help() + " (those that the paper has)")
      ->delimiter(',');
  app.add_option("--against", against,
                 "The method that gains are over. Their p: two-sided signed-rank test, corrected "
                 "over the table (Holm); left out where the draws are too few for any p to reach "
                 "0.05")
      ->capture_default_str();
  app.add_option("--value", values,
                 "A method's parameter in place of the tuned one: bean-1=100 (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_number(app, "--seed", seed, any_seed, "Decides everything random");
}

void FewShotSettings::add_mode_flags(CLI::App& app) {
  app.add_flag("--ablate-protocol", ablate,
               "What each switch of the protocol is worth, one at a time (on mnist with 1 and 10 "
               "shots unless said otherwise)");
  app.add_flag("--tune", tune, "Choose the methods' parameters, and write tuned.json")
      ->excludes("--table1")
      ->excludes("--ablate-protocol");
  add_number(app, "--tuning-draws", tuning_draws, some, "Draws for each trial of --tune");
  app.add_option("--tuned", tuned, "File of tuned values in place of the built-in ones");
}

void FewShotSettings::add_imitation_flags(CLI::App& app) {
  const auto add = [&](const char* flag, auto& target, const Range& range, const char* text) {
    add_number(app, flag, target, range, text)
        ->group("Imitation networks and their Gaussian processes");
  };
  constexpr Range positive = {.above = 0, .at_most = 1e9};
  ImitationOptions& o = imitation;
  add("--gp-starts", o.gp_starts, some, "Members of the ensemble");
  add("--gp-evaluations", o.gp_evaluations, any_count, "Of the marginal likelihood, each member");
  add("--gp-rows", o.gp_rows, some, "Examples that it is evaluated on, at most");
  add("--pseudo-examples", o.pseudo_examples, some, "Added in each step; Kimura: 1250");
  add("--imitation-steps", o.steps, some, "Kimura: 8");
  add("--imitation-epochs", o.epochs, some, "Of each step; Kimura: 25");
  add("--imitation-batch", o.batch_size, some, "Pseudo examples in a batch");
  add("--labelled-batch", o.labelled_batch, some, "Labelled examples in a batch, at most");
  add("--hard-weight", o.hard_weight, {.at_least = 0, .at_most = 1e9},
      "λ1, of the labelled examples");
  add("--fidelity-high", o.fidelity_high, positive, "λh, without uncertainty");
  add("--fidelity-mean", o.fidelity_mean, positive, "λb, with the mean uncertainty");
  add("--ascent-lr", o.ascent_lr, learning_rates, "Adam's on pseudo examples; Kimura: 0.02");
  add("--ascent-steps", o.ascent_steps, any_count, "Of Adam for each new pseudo example");
}

void FewShotSettings::add_output_flags(CLI::App& app) {
  app.add_option("--output", output, "Folder of runs.jsonl and the tables; \"\" for none")
      ->capture_default_str();
  app.add_flag("--fresh", fresh, "Forget the runs that the folder holds");
  add_number(app, "--threads", threads, thread_counts,
             "Runs at a time; otherwise one for each core");
  app.add_option("--device", device, "What networks are trained on: cpu or cuda:N")
      ->capture_default_str();
  add_number(
      app, "--replicas", replicas, some,
      "Runs of a cell, its draws and for --tune all trial values of each, that one process trains "
      "at once, as replicas of one network; otherwise all of them on a GPU, and one on the CPU or "
      "where there are several processes. "
      "Imitation networks and Gaussian processes go one by one");
  app.add_flag("--quiet", quiet, "No progress bar");
}

}  // namespace hebb::apps
