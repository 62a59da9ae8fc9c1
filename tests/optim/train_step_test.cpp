#include "optim/train_step.hpp"

#include "core/autograd.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/softmax.hpp"
#include "core/parallel.hpp"
#include "layers/models/lenet5.hpp"
#include "optim/adam.hpp"
#include "optim/clip.hpp"
#include "regularizers/regularizers.hpp"
#include "tests/allocations.hpp"
#include "tests/catch.hpp"
#include "tests/optim/weights.hpp"

namespace hebb::test {
namespace {

using Stage = TrainStepOptions::Stage;

Batch random_batch(int64_t size, uint64_t seed) {
  Generator generator(seed);
  Batch batch{Tensor::empty({size, 1, 28, 28}), Tensor::empty({size}, {.dtype = DType::int64})};
  for (float& pixel : batch.images.host<float>()) pixel = float(generator.uniform());
  for (int64_t& label : batch.labels.host<int64_t>()) label = generator.below(10);
  return batch;
}

// A network with all that a step has to think of, and its optimiser.
struct Task {
  Sequential model = lenet5({.dropout = 0.3, .generator = Generator(1)});
  Adam optimizer{model.parameters(), {.lr = 1e-2}};
  Regularizers regularizers =
      make_regularizers({"bean:order=1,alpha=100", "l1:lambda=1e-2,scope=all"}, model.parameters());
  Generator dropout{2};
};

// Passes everything on and notes what it was told.
class Spy final : public Module {
 public:
  explicit Spy(std::unique_ptr<Module> inner) { inner_ = &add_module("inner", std::move(inner)); }
  std::string description() const override { return "Spy"; }
  Tensor forward(const Tensor& x, Context& context) const override {
    training = context.training;
    tapped = context.taps != nullptr;
    return (*inner_)(x, context);
  }
  mutable bool training = false, tapped = false;

 private:
  Module* inner_;
};

class Fails final : public Regularizer {
 public:
  std::string name() const override { return "fails"; }
  Tensor penalty(std::span<const DenseTap>) const override { throw ValueError("as asked"); }
};

}  // namespace

TEST_CASE("train_step: the same bits as by hand", "[optim]") {
  Task task, by_hand;
  const TrainStepOptions options{.label_smoothing = 0.1, .clip_norm = 0.5};
  for (uint64_t i = 0; i < 3; ++i) {
    const Batch batch = random_batch(8, i);
    const TrainStep step = train_step(task.model, task.optimizer, task.regularizers, batch,
                                      {.generator = &task.dropout}, options);

    std::vector<DenseTap> taps;
    Context context{.training = true, .generator = &by_hand.dropout, .taps = &taps};
    const Tensor logits = by_hand.model(batch.images, context);
    const Tensor loss = cross_entropy(logits, batch.labels, {.label_smoothing = 0.1});
    const Tensor bean = by_hand.regularizers[0]->penalty(taps);
    const Tensor l1 = by_hand.regularizers[1]->penalty(taps);
    (loss + bean + l1).backward();
    CHECK(clip_grad_norm(by_hand.model.parameters(), 0.5).item() > 0.5);
    by_hand.optimizer.step();
    by_hand.optimizer.zero_grad();

    CHECK(step.logits.to_vector<float>() == logits.to_vector<float>());
    CHECK(step.loss.item() == loss.item());
    REQUIRE(step.penalties.size() == 2);
    CHECK(step.penalties[0].item() == bean.item());
    CHECK(step.penalties[1].item() == l1.item());
    CHECK(weights_of(task.model) == weights_of(by_hand.model));
  }
  for (const NamedTensor& parameter : task.model.parameters())
    CHECK_FALSE(parameter.tensor.grad().defined());
}

TEST_CASE("train_step: taps are left for regularizers, or where the context asks", "[optim]") {
  const Batch batch = random_batch(2, 0);
  const Spy spy(std::make_unique<Sequential>(lenet5()));
  Adam optimizer(spy.parameters());
  const Regularizers none, bean = make_regularizers({"bean:order=1"});
  train_step(spy, optimizer, none, batch, {});
  CHECK(spy.training);
  CHECK_FALSE(spy.tapped);
  train_step(spy, optimizer, bean, batch, {});
  CHECK(spy.tapped);
  for (const Regularizers* regularizers : {&none, &bean}) {
    std::vector<DenseTap> taps;
    train_step(spy, optimizer, *regularizers, batch, {.taps = &taps});
    REQUIRE(taps.size() == 3);
    CHECK(*taps[0].name == "inner.fc1");
  }
}

TEST_CASE("train_step: a regularizer without a penalty adds nothing", "[optim]") {
  Task with, without;
  with.regularizers = make_regularizers({"bean:alpha=0"});
  const Batch batch = random_batch(4, 0);
  const TrainStep step = train_step(with.model, with.optimizer, with.regularizers, batch,
                                    {.generator = &with.dropout});
  CHECK(step.penalties.size() == 1);
  CHECK_FALSE(step.penalties[0].defined());
  train_step(without.model, without.optimizer, {}, batch, {.generator = &without.dropout});
  CHECK(weights_of(with.model) == weights_of(without.model));
}

TEST_CASE("train_step: stages are told as they end", "[optim]") {
  Task task;
  const std::vector<float> before = weights_of(task.model);
  const Tensor weight = task.model.parameters()[0].tensor;
  std::vector<Stage> stages;
  train_step(task.model, task.optimizer, task.regularizers, random_batch(2, 0),
             {.generator = &task.dropout}, {.on_stage = [&](Stage stage) {
               stages.push_back(stage);
               CHECK(weight.grad().defined() == (stage == Stage::backward));
               CHECK((weights_of(task.model) == before) == (stage != Stage::update));
             }});
  CHECK(stages == std::vector<Stage>{Stage::forward, Stage::loss, Stage::penalty, Stage::backward,
                                     Stage::update});
}

TEST_CASE("train_step: one that throws leaves no gradients", "[optim]") {
  Task task;
  for (const Stage last : {Stage::forward, Stage::backward}) {
    CHECK_THROWS_AS(train_step(task.model, task.optimizer, task.regularizers, random_batch(2, 0),
                               {.generator = &task.dropout},
                               {.on_stage =
                                    [&](Stage stage) {
                                      if (stage == last) throw ValueError("as asked");
                                    }}),
                    ValueError);
    for (const NamedTensor& parameter : task.model.parameters())
      CHECK_FALSE(parameter.tensor.grad().defined());
  }
}

TEST_CASE("train_step: goes on after a step that threw", "[optim]") {
  Task task, straight;
  Regularizers failing;
  failing.push_back(std::make_unique<Fails>());
  const Batch batch = random_batch(2, 0);
  CHECK_THROWS_WITH(
      train_step(task.model, task.optimizer, failing, batch, {.generator = &straight.dropout}),
      "as asked");
  straight.dropout = Generator(2);
  for (Task* each : {&task, &straight})
    train_step(each->model, each->optimizer, each->regularizers, batch,
               {.generator = &each->dropout});
  CHECK(weights_of(task.model) == weights_of(straight.model));
}

TEST_CASE("train_step: takes no memory after the first steps", "[optim]") {
  Task task;
  const Batch batch = random_batch(1, 0);
  const SerialScope serial;
  for (const TrainStepOptions& options :
       {TrainStepOptions{}, TrainStepOptions{.label_smoothing = 0.1, .clip_norm = 1}}) {
    const auto step = [&] {
      train_step(task.model, task.optimizer, task.regularizers, batch, {.generator = &task.dropout},
                 options);
    };
    for (int i = 0; i < 5; ++i) step();
    const int64_t system = memory_stats().system_allocations, heap = heap_allocations();
    for (int i = 0; i < 20; ++i) step();
    CHECK(memory_stats().system_allocations == system);
    CHECK(heap_allocations() == heap);
  }
}

}  // namespace hebb::test
