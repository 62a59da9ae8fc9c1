#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "apps/fewshot/study/method.hpp"
#include "data/synthetic.hpp"
#include "tests/data/support.hpp"

namespace hebb::test {

/// Generated digits, few enough that a run takes milliseconds.
inline const apps::RunData& few_digits() {
  static const apps::RunData data(
      {.train = digits({.samples = 1200}), .test = digits({.samples = 200, .first = 1200})});
  return data;
}

/// A run of a few steps.
inline apps::RunKey short_run(const std::string& method, int64_t shots = 1) {
  apps::RunKey key{.dataset = "digits", .shots = shots, .method = method};
  key.value = apps::known_methods().at(method).tuning.fallback;
  key.protocol.epochs = 3;
  key.imitation = {.gp_starts = 2,
                   .gp_evaluations = 5,
                   .pseudo_examples = 20,
                   .steps = 2,
                   .epochs = 2,
                   .batch_size = 10,
                   .labelled_batch = 5};
  return key;
}

inline bool same(const apps::RunResult& a, const apps::RunResult& b) {
  return a.correct == b.correct && a.total == b.total && a.epoch == b.epoch &&
         a.validation_correct == b.validation_correct && a.validation_total == b.validation_total;
}

inline std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace hebb::test
