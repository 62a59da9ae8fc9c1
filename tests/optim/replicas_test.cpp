// Replicas are trained as networks of their own are, to the bit.
#include <fmt/format.h>

#include <cstring>

#include "core/ops/reduce.hpp"
#include "core/parallel.hpp"
#include "data/synthetic.hpp"
#include "layers/layers.hpp"
#include "optim/optim.hpp"
#include "regularizers/regularizers.hpp"
#include "tests/catch.hpp"

namespace hebb::test::replicas {
namespace {

constexpr int64_t steps_taken = 20, pixels = 12;

struct Case {
  std::string model = "lenet5";
  int64_t batch = 1;
  double dropout = 0;
  std::string regularizer = {}, optimizer = "adam";
  double smoothing = 0;
  bool own = false;  // each replica has a p, a strength, a rate and a decay of its own
};

// Of replica r.
double dropout_of(const Case& c, int64_t r) { return c.own ? 0.2 + 0.1 * double(r) : c.dropout; }
double lr_of(const Case& c, int64_t r) { return c.own ? 0.003 * double(r + 1) : 1e-2; }
double decay_of(int64_t r) { return 0.1 * double(r); }
double strength_of(int64_t r) { return 0.3 * double(r * r); }

// With the strength of replica r or, below 0, those of all.
Regularizers own_regularizers(const Case& c, int64_t r, int64_t replicas = 0) {
  std::vector<double> each;
  for (int64_t i = 0; i < replicas; ++i) each.push_back(strength_of(i));
  const Tensor all = r < 0 ? Tensor::from(each, {replicas}) : Tensor();
  const double one = r < 0 ? 0 : strength_of(r);
  Regularizers result;
  if (c.regularizer == "bean")
    for (const int order : {1, 2})
      result.push_back(
          std::make_unique<Bean>(BeanOptions{.order = order, .alpha = one, .alphas = all}));
  if (c.regularizer == "norms") {
    result.push_back(std::make_unique<L1>(L1Options{.lambda = one, .lambdas = all}));
    result.push_back(
        std::make_unique<WeightDecay>(WeightDecayOptions{.lambda = one, .lambdas = all}));
  }
  return result;
}

std::unique_ptr<Module> untrained(const Case& c, int64_t r) {
  return make_model(
      c.model, {.input = {1, pixels, pixels},
                .classes = 10,
                .hidden = c.model == "mlp" ? std::vector<int64_t>{33, 20} : std::vector<int64_t>{},
                .dropout = dropout_of(c, r),
                .generator = Generator(uint64_t(r))});
}

Regularizers regularizers(const Case& c, const Module& model) {
  if (c.regularizer.empty()) return {};
  return make_regularizers({c.regularizer}, model.parameters());
}

// What replica r sees in a step.
Batch batch_of(const Case& c, int64_t r, int64_t step) {
  Generator random(uint64_t(100 * r + step));
  Batch batch{Tensor::empty({c.batch, 1, pixels, pixels}),
              Tensor::empty({c.batch}, {.dtype = DType::int64})};
  for (float& pixel : batch.images.host<float>()) pixel = float(random.uniform());
  for (int64_t& label : batch.labels.host<int64_t>()) label = random.below(10);
  return batch;
}

struct Learnt {
  std::vector<State> states;
  std::vector<std::vector<float>> losses, penalties;  // of each step, by replica
};

Learnt alone(const Case& c, int64_t replicas) {
  Learnt learnt;
  for (int64_t r = 0; r < replicas; ++r) {
    const std::unique_ptr<Module> model = untrained(c, r);
    const std::string decay = c.own ? fmt::format(":weight-decay={}", decay_of(r)) : "";
    const std::unique_ptr<Optimizer> optimizer =
        make_optimizer(c.optimizer + decay, model->parameters(), lr_of(c, r));
    const Regularizers penalised = c.own ? own_regularizers(c, r) : regularizers(c, *model);
    Generator dropout(uint64_t(50 + r), 3);
    std::vector<float>&losses = learnt.losses.emplace_back(),
    &penalties = learnt.penalties.emplace_back();
    for (int64_t i = 0; i < steps_taken; ++i) {
      const TrainStep step = train_step(*model, *optimizer, penalised, batch_of(c, r, i),
                                        {.generator = &dropout}, {.label_smoothing = c.smoothing});
      losses.push_back(float(step.loss.item()));
      for (size_t k = 0; k < step.penalties.size(); ++k)
        penalties.push_back(step.penalties[k].defined() ? float(step.penalties[k].item()) : 0);
    }
    learnt.states.push_back(model->state());
  }
  return learnt;
}

Learnt together(const Case& c, int64_t replicas) {
  const std::unique_ptr<Module> model = untrained(c, 0);
  std::vector<std::unique_ptr<Module>> networks;
  std::vector<Generator> dropout;
  std::vector<ParameterGroup> groups;
  for (int64_t r = 0; r < replicas; ++r) {
    networks.push_back(untrained(c, r));
    dropout.emplace_back(uint64_t(50 + r), 3);
    if (c.own)
      groups.push_back({.pattern = "*",
                        .lr_scale = lr_of(c, r),
                        .weight_decay_scale = decay_of(r),
                        .replica = r});
  }
  model->replicate(networks);
  const std::unique_ptr<Optimizer> optimizer =
      c.own ? make_optimizer(c.optimizer + ":weight-decay=1", model->parameters(), 1, groups)
            : make_optimizer(c.optimizer, model->parameters(), lr_of(c, 0));
  const Regularizers penalised =
      c.own ? own_regularizers(c, -1, replicas) : regularizers(c, *model);
  Learnt learnt{{},
                std::vector<std::vector<float>>(size_t(replicas)),
                std::vector<std::vector<float>>(size_t(replicas))};
  for (int64_t i = 0; i < steps_taken; ++i) {
    Batch batch{Tensor::empty({replicas, c.batch, 1, pixels, pixels}),
                Tensor::empty({replicas, c.batch}, {.dtype = DType::int64})};
    for (int64_t r = 0; r < replicas; ++r) {
      const Batch own = batch_of(c, r, i);
      batch.images.view(own.images.shape(), r * own.images.numel()).copy_from(own.images);
      batch.labels.view(own.labels.shape(), r * c.batch).copy_from(own.labels);
    }
    const TrainStep step = train_step(*model, *optimizer, penalised, batch, {.generators = dropout},
                                      {.label_smoothing = c.smoothing});
    REQUIRE(step.loss.shape() == Shape{replicas});
    for (int64_t r = 0; r < replicas; ++r) {
      learnt.losses[size_t(r)].push_back(step.loss.to_vector<float>()[size_t(r)]);
      for (size_t k = 0; k < step.penalties.size(); ++k)
        learnt.penalties[size_t(r)].push_back(step.penalties[k].to_vector<float>()[size_t(r)]);
    }
  }
  for (int64_t r = 0; r < replicas; ++r) learnt.states.push_back(model->replica(r));
  return learnt;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

void compare(const Case& c, int64_t replicas) {
  INFO(c.model << " batch " << c.batch << " dropout " << c.dropout << ' ' << c.regularizer << ' '
               << c.optimizer << ", replicas: " << replicas);
  const int threads = num_threads();
  const Learnt expected = alone(c, replicas);
  for (const int n : {1, 2}) {
    set_num_threads(n);
    const Learnt learnt = together(c, replicas);
    for (size_t r = 0; r < size_t(replicas); ++r) {
      INFO("replica " << r << ", threads: " << n);
      CHECK(same_bits(learnt.losses[r], expected.losses[r]));
      CHECK(same_bits(learnt.penalties[r], expected.penalties[r]));
      for (const auto& [name, tensor] : expected.states[r]) {
        INFO(name);
        CHECK(same_bits(learnt.states[r].at(name).to_vector<float>(), tensor.to_vector<float>()));
      }
    }
  }
  set_num_threads(threads);
}

// A penalty of all replicas, which is not what is asked for.
class OfAll final : public Regularizer {
 public:
  std::string name() const override { return "of-all"; }
  Tensor penalty(std::span<const DenseTap> taps) const override {
    return sum_square(taps[0].weight);
  }
};

}  // namespace

TEST_CASE("replicas learn what each learns alone, to the bit", "[optim]") {
  for (const std::string model : {"lenet5", "mlp"}) {
    compare({.model = model}, 1);
    compare({.model = model, .batch = 5, .smoothing = 0.1}, 2);
    compare({.model = model, .dropout = 0.4}, 3);
    compare({.model = model, .batch = 3, .dropout = 0.4, .regularizer = "bean:order=1,alpha=10"},
            3);
    for (const char* regularizer :
         {"bean:order=1,alpha=100", "bean:order=2,alpha=1e5",
          "bean:order=2,alpha=1,divergence=absolute", "l1:lambda=1e-3",
          "l1:lambda=1e-3,scope=weights-and-biases", "l2:lambda=1e-3,scope=all",
          "energy:activity=1e-2,weight=1e-3,nonnegativity=0.1"})
      compare({.model = model, .regularizer = regularizer}, 3);
    for (const char* optimizer :
         {"adam:weight-decay=1e-3", "adamw", "nadam", "sgd:momentum=0.9,nesterov=true"})
      compare({.model = model, .optimizer = optimizer}, 2);
  }
}

TEST_CASE("replicas with settings of their own learn what each learns alone, to the bit",
          "[optim]") {
  for (const std::string model : {"lenet5", "mlp"})
    for (const char* regularizer : {"bean", "norms"}) {
      compare({.model = model, .regularizer = regularizer, .own = true}, 3);
      compare({.model = model,
               .batch = 4,
               .regularizer = regularizer,
               .optimizer = "adamw",
               .own = true},
              2);
    }
}

TEST_CASE("training refuses what it does not know of replicas", "[optim]") {
  const Case c{.model = "mlp"};
  const std::unique_ptr<Module> model = untrained(c, 0);
  model->replicate(std::vector<State>{untrained(c, 0)->state(), untrained(c, 1)->state()});
  const Batch batch{Tensor::ones({2, 3, 1, pixels, pixels}),
                    Tensor::zeros({2, 3}, {.dtype = DType::int64})};
  Adam adam(model->parameters());
  CHECK_THROWS_WITH(
      train_step(*model, adam, {}, batch, {}, {.clip_norm = 1}),
      "[train_step] expected no clipping for 2 replicas: a norm would be that of all");
  Muon muon(model->parameters());
  CHECK_THROWS_WITH(train_step(*model, muon, {}, batch, {}),
                    "[train_step] expected an optimiser of single elements for 2 replicas, got one "
                    "of matrices");
  Regularizers of_all;
  of_all.push_back(std::make_unique<OfAll>());
  CHECK_THROWS_WITH(train_step(*model, adam, of_all, batch, {}),
                    "[train_step] expected a penalty of-all of shape [2], got []");
  Trainer trainer(*model, adam, {}, {});
  Generator random(1);
  const Dataset digits_few = digits({.samples = 20});
  CHECK_THROWS_WITH(trainer.fit({.train = &digits_few}),
                    "[trainer] expected a network without replicas, got 2");
}

}  // namespace hebb::test::replicas
