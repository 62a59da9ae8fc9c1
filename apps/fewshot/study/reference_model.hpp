#pragma once

#include "analysis/gaussian_process.hpp"
#include "apps/fewshot/study/method.hpp"

namespace hebb::apps {

/// What the random numbers of an imitation are for.
enum ImitationPurpose : uint64_t { kernels, interpolation, pseudo_order, labelled_order };

/// The reference model of the imitation networks: Gaussian-process classifiers from several
/// starts, averaged, that have learned the task's images.
GaussianProcessClassifier make_reference(const Task& task);

/// The settings of the reference model that have a say in its answers, as Method::settings.
std::string reference_settings(const RunKey& key);

/// The reference model as a method of its own: adds `settings` and `run`.
Method gaussian_process(Method method);

}  // namespace hebb::apps
