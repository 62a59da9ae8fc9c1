#pragma once

#include <cstdint>

namespace hebb::apps {

/// Imitation networks (Kimura et al., BMVC 2018): a network learns from the soft answers of a
/// Gaussian process on pseudo examples. What is marked "choice" the paper's sources leave open, or
/// it is smaller here than there so that a run takes seconds.
struct ImitationOptions {
  int64_t gp_starts = 3;          ///< Members of the ensemble (choice).
  int64_t gp_evaluations = 20;    ///< Of the marginal likelihood for each member (choice).
  int64_t gp_rows = 100;          ///< Examples that it is evaluated on, at most (choice).
  int64_t pseudo_examples = 250;  ///< At first, and added in each step (choice; there 1,250).
  int64_t steps = 4;              ///< Growths of the set of pseudo examples (choice; there 8).
  int64_t epochs = 10;            ///< Of each step (choice; there 25).
  int64_t batch_size = 100;       ///< Pseudo examples in a batch (choice).
  int64_t labelled_batch = 20;    ///< Labelled examples in a batch, at most (choice).
  double hard_weight = 1;         ///< λ1, of the cross-entropy on labelled examples (choice).
  double fidelity_high = 2;       ///< λh, of a pseudo example without uncertainty (choice).
  double fidelity_mean = 1;       ///< λb, of one with the mean uncertainty (choice).
  double ascent_lr = 0.02;        ///< Adam's on pseudo examples, as there.
  int64_t ascent_steps = 5;       ///< Of Adam for each new pseudo example (choice).
};

}  // namespace hebb::apps
