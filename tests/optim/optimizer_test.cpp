#include "optim/optimizer.hpp"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <map>

#include "core/autograd.hpp"
#include "core/error.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/layout.hpp"
#include "core/ops/reduce.hpp"
#include "core/ops/softmax.hpp"
#include "core/parallel.hpp"
#include "core/storage.hpp"
#include "layers/models/lenet5.hpp"
#include "layers/models/mlp.hpp"
#include "optim/adam.hpp"
#include "optim/clip.hpp"
#include "optim/make_optimizer.hpp"
#include "optim/muon.hpp"
#include "optim/sgd.hpp"
#include "optim/train_step.hpp"
#include "tests/allocations.hpp"
#include "tests/catch.hpp"
#include "tests/golden/golden.hpp"
#include "tests/optim/weights.hpp"

using namespace hebb;

namespace {

using Make = std::function<std::unique_ptr<Optimizer>(std::vector<NamedTensor>)>;

Make named(const char* text, double lr) {
  return [=](std::vector<NamedTensor> parameters) {
    return make_optimizer(text, std::move(parameters), lr);
  };
}

// The golden file's cases, as a flag has them.
const std::vector<std::pair<std::string, Make>>& cases() {
  static const std::vector<std::pair<std::string, Make>> all = {
      {"sgd", named("sgd", 0.1)},
      {"sgd-decay", named("sgd:weight-decay=0.01", 0.1)},
      {"sgd-momentum", named("sgd:momentum=0.9", 0.1)},
      {"sgd-momentum-decay", named("sgd:momentum=0.9,weight-decay=0.01", 0.1)},
      {"sgd-dampening", named("sgd:momentum=0.9,dampening=0.2", 0.1)},
      {"sgd-dampening-decay", named("sgd:momentum=0.9,dampening=0.2,weight-decay=0.01", 0.1)},
      {"sgd-nesterov", named("sgd:momentum=0.9,nesterov=true", 0.1)},
      {"sgd-nesterov-decay", named("sgd:momentum=0.9,nesterov=true,weight-decay=0.01", 0.1)},
      {"adam", named("adam", 0.01)},
      {"adam-decay", named("adam:weight-decay=0.01", 0.01)},
      {"adam-betas", named("adam:beta1=0.8,beta2=0.95,epsilon=1e-4", 0.01)},
      {"adam-betas-decay", named("adam:beta1=0.8,beta2=0.95,epsilon=1e-4,weight-decay=0.01", 0.01)},
      {"adamw", named("adamw:weight-decay=0", 0.01)},
      {"adamw-decay", named("adamw", 0.01)},
      {"adamw-betas", named("adamw:beta1=0.8,beta2=0.95,epsilon=1e-4,weight-decay=0", 0.01)},
      {"adamw-betas-decay", named("adamw:beta1=0.8,beta2=0.95,epsilon=1e-4", 0.01)},
      {"muon", named("muon", 0.02)},
      {"muon-decay", named("muon:weight-decay=0.1,sgd-lr-scale=3", 0.02)},
      {"muon-plain", named("muon:momentum=0.8,nesterov=false,newton-schulz-steps=3", 0.02)},
      {"nadam", named("nadam", 0.01)},
      {"nadam-decay", named("nadam:weight-decay=0.01", 0.01)},
      {"nadam-betas", named("nadam:beta1=0.8,beta2=0.95,epsilon=1e-4", 0.01)},
      {"nadam-betas-decay",
       named("nadam:beta1=0.8,beta2=0.95,epsilon=1e-4,weight-decay=0.01", 0.01)},
      {"nadam-decoupled", named("nadam:weight-decay=0.01,decoupled=true", 0.01)},
      {"nadam-momentum-decay", named("nadam:momentum-decay=0.05", 0.01)},
  };
  return all;
}

// A model on the golden files' batch.
struct Task {
  explicit Task(DType dtype) : net(mlp({20, 12, 10})) {
    test::set_golden_parameters(net);
    net.to(dtype);
    x = test::golden_positive(test::input_stream, {8, 20}).to(dtype);
    labels = test::golden_labels(8);
  }
  Tensor backward(Optimizer& optimizer) const {
    optimizer.zero_grad();
    Context context{.training = true};
    const Tensor loss = cross_entropy(net(x, context), labels);
    loss.backward();
    return loss;
  }
  double step(Optimizer& optimizer) const {
    const Tensor loss = backward(optimizer);
    optimizer.step();
    return loss.item();
  }
  double loss() const { return cross_entropy(net(x), labels).item(); }

  Sequential net;
  Tensor x, labels;
};

}  // namespace

TEST_CASE("optimisers step as PyTorch's do", "[optim]") {
  const test::Golden golden("optimizers");
  const std::string& listed = golden.metadata("cases");
  for (const auto& [name, make] : cases()) {
    CHECK(listed.find('"' + name + "\": ") != listed.npos);
    // PyTorch keeps NAdam's product of momenta in float32, whatever the parameters are.
    const double exact = name.starts_with("nadam") ? 1e-8 : 1e-11;
    // Muon lifts small singular values, and what rounding has made of them, some hundredfold.
    const double rounded = name.starts_with("muon") ? 3e-5 : 3e-6;
    for (const auto& [dtype, tolerance] :
         {std::pair(DType::float64, exact), std::pair(DType::float32, rounded)}) {
      const std::string prefix = std::string(name_of(dtype)) + "." + name;
      INFO(prefix);
      const Task task(dtype);
      const std::unique_ptr<Optimizer> optimizer = make(task.net.parameters());
      std::vector<double> losses;
      for (int i = 0; i < 10; ++i) losses.push_back(task.step(*optimizer));
      losses.push_back(task.loss());
      CHECK(golden.difference(prefix + ".losses", Tensor::from(losses, {11})) < tolerance);
      for (size_t k = 0; k < optimizer->parameters().size(); ++k)
        CHECK(golden.difference(prefix + ".trained." + std::to_string(k),
                                optimizer->parameters()[k].tensor) < tolerance);
    }
  }
  // No case of the file is left out.
  size_t count = 0;
  for (size_t at = 0; (at = listed.find("\"lr\"", at)) != listed.npos; ++at) ++count;
  CHECK(count == cases().size());
}

TEST_CASE("Muon brings singular values near 1", "[optim]") {
  const std::vector<double> singular = {3, -1, 0.5, 0.1};
  std::vector<double> values(4 * 7);
  for (size_t i = 0; i < 4; ++i) values[i * 7 + i] = singular[i];
  const auto moved = orthogonalize(Tensor::from(values, {4, 7})).to_vector<double>();
  for (size_t i = 0; i < moved.size(); ++i) {
    INFO(i);
    if (i / 7 != i % 7) {
      CHECK(moved[i] == 0);
    } else {
      CHECK(std::abs(moved[i]) > 0.65);
      CHECK(std::abs(moved[i]) < 1.25);
      CHECK(std::signbit(moved[i]) == std::signbit(singular[i / 7]));
    }
  }
  const Tensor x = test::golden_signed(test::input_stream, {6, 20}).to(DType::float64);
  const Tensor wide = orthogonalize(x), tall = orthogonalize(permute(x, {1, 0}));
  CHECK(sum_square(permute(tall, {1, 0}) - wide).item() < 1e-20);
  CHECK(sum_square(orthogonalize(x * 1e3) - wide).item() < 1e-10);
  CHECK_THROWS_AS(orthogonalize(Tensor::ones({2})), ShapeError);
  CHECK_THROWS_AS(orthogonalize(Tensor::ones({2, 2}), 0), ValueError);
}

TEST_CASE("weights alone decay where that is asked for", "[optim]") {
  for (const std::string name : {"sgd", "adam", "adamw", "nadam", "muon"}) {
    INFO(name);
    const auto trained = [&](const char* settings, const std::vector<ParameterGroup>& groups) {
      const Task task(DType::float32);
      task.step(*make_optimizer(name + settings, task.net.parameters(), 0.1, groups));
      std::map<std::string, std::vector<float>> values;
      for (const auto& [key, tensor] : task.net.state()) values[key] = tensor.to_vector<float>();
      return values;
    };
    const std::vector<ParameterGroup> first = {{.pattern = "fc1.bias", .weight_decay_scale = 1}};
    const auto all = trained(":weight-decay=0.5", {}), none = trained(":weight-decay=0", {}),
               weights = trained(":weight-decay=0.5,decay-on=weights", {}),
               but_one = trained(":weight-decay=0.5,decay-on=weights", first);
    for (const char* weight : {"fc1.weight", "fc2.weight"}) {
      CHECK(weights.at(weight) == all.at(weight));
      CHECK(weights.at(weight) != none.at(weight));
    }
    for (const char* bias : {"fc1.bias", "fc2.bias"}) {
      CHECK(weights.at(bias) == none.at(bias));
      CHECK(weights.at(bias) != all.at(bias));
    }
    CHECK(but_one.at("fc1.bias") == all.at("fc1.bias"));
    CHECK(but_one.at("fc2.bias") == none.at("fc2.bias"));
  }
}

TEST_CASE("an optimiser continues from its state bit for bit", "[optim]") {
  for (const auto& [name, make] : cases()) {
    INFO(name);
    const Task straight(DType::float32);
    const std::unique_ptr<Optimizer> first = make(straight.net.parameters());
    for (int i = 0; i < 4; ++i) straight.step(*first);

    Task resumed(DType::float32);
    State copy;
    for (const auto& [key, tensor] : first->state()) copy[key] = tensor.clone();
    resumed.net.load_state(straight.net.state());
    const std::unique_ptr<Optimizer> second = make(resumed.net.parameters());
    second->load_state(copy);
    CHECK(second->steps() == 4);
    CHECK(second->state().size() == copy.size());
    for (const auto& [key, tensor] : second->state())
      CHECK(tensor.to(DType::float64).to_vector<double>() ==
            copy.at(key).to(DType::float64).to_vector<double>());

    for (int i = 0; i < 4; ++i) {
      straight.step(*first);
      resumed.step(*second);
    }
    CHECK(test::weights_of(straight.net) == test::weights_of(resumed.net));
  }
}

TEST_CASE("an optimiser's state has names and is loaded strictly", "[optim]") {
  const Task task(DType::float32);
  Adam adam(task.net.parameters());
  const State state = adam.state();
  CHECK(state.size() == 1 + 4 * 3);
  CHECK(state.contains("fc1.weight.exp_avg"));
  CHECK(state.contains("fc2.bias.exp_avg_sq"));
  CHECK(state.at("fc1.bias.step").item() == 0);
  Sgd sgd(task.net.parameters(), {.momentum = 0.9});
  CHECK(sgd.state().contains("fc1.weight.momentum_buffer"));
  CHECK(Sgd(task.net.parameters()).state().size() == 5);
  CHECK_THROWS_AS(adam.load_state(sgd.state()), ValueError);
  for (const char* name : {"step", "fc2.bias.step"}) {
    State bad;
    for (const auto& [key, tensor] : state) bad[key] = Tensor::ones(tensor.shape());
    bad[name] = Tensor::from<int64_t>({-1}, {});
    CHECK_THROWS_WITH(adam.load_state(bad),
                      std::string("[optimizer] expected ") + name + " of at least 0, got -1");
    // Nothing has changed.
    CHECK(adam.state().at("fc1.weight.exp_avg").to_vector<float>()[0] == 0);
    CHECK(adam.state().at("fc1.bias.step").item() == 0);
  }
}

TEST_CASE("parameters without a gradient stay, and count their own steps", "[optim]") {
  const Tensor a = Tensor::ones({2}), b = Tensor::ones({2}), alone = Tensor::ones({2});
  const std::vector<NamedTensor> both = {{"a", a}, {"b", b}};
  for (const char* name : {"adam", "nadam", "muon", "sgd:momentum=0.9,dampening=0.5"}) {
    INFO(name);
    for (const Tensor& t : {a, b, alone}) {
      t.fill(1);
      t.zero_grad();
    }
    const std::unique_ptr<Optimizer> optimizer = make_optimizer(name, both, 0.1);
    const std::unique_ptr<Optimizer> reference = make_optimizer(name, {{"alone", alone}}, 0.1);
    a.set_grad(Tensor::full({2}, 0.3));
    for (int i = 0; i < 5; ++i) optimizer->step();
    CHECK(b.to_vector<float>() == std::vector<float>{1, 1});
    b.set_grad(Tensor::full({2}, 0.3));
    alone.set_grad(Tensor::full({2}, 0.3));
    for (int i = 0; i < 3; ++i) {
      optimizer->step();
      reference->step();
      CHECK(b.to_vector<float>() == alone.to_vector<float>());
    }
    CHECK(optimizer->state().at("b.step").item() == 3);
    CHECK(optimizer->steps() == 8);
  }
}

TEST_CASE("groups scale the learning rate and the decay of what they match", "[optim]") {
  const auto moved = [](const std::vector<ParameterGroup>& groups) {
    const Tensor weight = Tensor::ones({1}), bias = Tensor::ones({1});
    Sgd sgd({{"fc1.weight", weight}, {"fc1.bias", bias}}, {.lr = 0.5, .weight_decay = 0.25},
            groups);
    weight.set_grad(Tensor::ones({1}));
    bias.set_grad(Tensor::ones({1}));
    sgd.step();
    return std::pair(1 - weight.item(), 1 - bias.item());
  };
  CHECK(moved({}) == std::pair(0.625, 0.625));
  CHECK(moved({{.pattern = "*.bias", .weight_decay_scale = 0}}) == std::pair(0.625, 0.5));
  CHECK(moved({{.pattern = "fc?.weight", .lr_scale = 0.5}}) == std::pair(0.3125, 0.625));
  CHECK(moved({{.pattern = "*.bias", .lr_scale = 0}, {.pattern = "*", .lr_scale = 2}}) ==
        std::pair(1.25, 0.0));
  CHECK_THROWS_AS(moved({{.pattern = "conv*"}}), ValueError);
  CHECK_THROWS_AS(moved({{.pattern = "*", .lr_scale = -1}}), ValueError);
}

TEST_CASE("groups of a replica are an optimiser's of its own, to the bit", "[optim]") {
  constexpr int64_t replicas = 3;
  const std::vector<double> rates = {0.01, 0.02, 0}, decays = {0.1, 0, 0.3};
  const auto weight_of = [](int64_t r) {
    Generator random{uint64_t(r)};
    const Tensor weight = Tensor::empty({5, 7});
    fill_normal(weight, 0, 1, random);
    return weight;
  };
  const auto grad_of = [](int64_t r, int64_t step) {
    Generator random(uint64_t(100 + 10 * r + step));
    const Tensor grad = Tensor::empty({5, 7});
    fill_normal(grad, 0, 1, random);
    return grad;
  };
  for (const std::string optimizer :
       {"adam:weight-decay=", "adamw:weight-decay=", "nadam:weight-decay=",
        "sgd:momentum=0.9,nesterov=true,weight-decay="}) {
    INFO(optimizer);
    std::vector<ParameterGroup> groups;
    const Tensor all = Tensor::empty({replicas, 5, 7}), others = Tensor::ones({2});
    for (int64_t r = 0; r < replicas; ++r) {
      all.view({5, 7}, r * 35).copy_from(weight_of(r));
      groups.push_back({.pattern = "all",
                        .lr_scale = rates[size_t(r)],
                        .weight_decay_scale = decays[size_t(r)],
                        .replica = r});
    }
    const auto make = [&] {
      return make_optimizer(optimizer + "1", {{"all", all}, {"others", others}}, 1, groups);
    };
    std::unique_ptr<Optimizer> together = make();
    CHECK(together->state().at("all.step").shape() == Shape{replicas});
    CHECK(together->state().at("others.step").shape() == Shape());
    for (int64_t step = 0; step < 5; ++step) {
      const Tensor grad = Tensor::empty(all.shape());
      for (int64_t r = 0; r < replicas; ++r) grad.view({5, 7}, r * 35).copy_from(grad_of(r, step));
      all.set_grad(grad);
      if (step == 3) {  // goes on from its state
        const State state = together->state();
        std::unique_ptr<Optimizer> again = make();
        again->load_state(state);
        together = std::move(again);
      }
      together->step();
      together->zero_grad();
    }
    CHECK(together->steps() == 5);
    CHECK(together->state().at("all.step").to_vector<int64_t>() == std::vector<int64_t>{5, 5, 5});
    CHECK(others.to_vector<float>() == std::vector<float>{1, 1});
    for (int64_t r = 0; r < replicas; ++r) {
      const Tensor weight = weight_of(r);
      const auto alone = make_optimizer(fmt::format("{}{}", optimizer, decays[size_t(r)]),
                                        {{"all", weight}}, rates[size_t(r)]);
      for (int64_t step = 0; step < 5; ++step) {
        weight.set_grad(grad_of(r, step));
        alone->step();
      }
      CHECK(all.view({5, 7}, r * 35).to_vector<float>() == weight.to_vector<float>());
    }
  }
  const std::vector<NamedTensor> two = {{"p", Tensor::ones({2, 3})}};
  CHECK_THROWS_WITH(Sgd(two, {}, {{.pattern = "p", .replica = 2}}),
                    "[optimizer] expected one of 2 replicas for \"p\", got 2");
  CHECK_THROWS_WITH(Muon(two, {}, {{.pattern = "p", .replica = 1}}),
                    "[muon] expected groups of whole parameters, got one of a replica");
}

TEST_CASE("optimisers refuse what they cannot use", "[optim]") {
  const std::vector<NamedTensor> p = {{"p", Tensor::ones({1})}};
  CHECK_THROWS_AS(Adam(p, {.lr = -1}), ValueError);
  CHECK_THROWS_AS(Adam(p, {.lr = NAN}), ValueError);
  CHECK_THROWS_AS(Adam(p, {.beta1 = 1}), ValueError);
  CHECK_THROWS_AS(Adam(p, {.epsilon = -1}), ValueError);
  CHECK_THROWS_AS(Nadam(p, {.momentum_decay = -1}), ValueError);
  CHECK_THROWS_AS(Muon(p, {.momentum = 1}), ValueError);
  CHECK_THROWS_AS(Muon(p, {.weight_decay = -1}), ValueError);
  CHECK_THROWS_AS(Muon(p, {.newton_schulz_steps = 0}), ValueError);
  CHECK_THROWS_AS(Muon(p, {.sgd_lr_scale = -1}), ValueError);
  CHECK_THROWS_AS(Sgd(p, {.nesterov = true}), ValueError);
  CHECK_THROWS_AS(Sgd(p, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}), ValueError);
  CHECK_THROWS_AS(Sgd(p, {.weight_decay = -1}), ValueError);
  CHECK_THROWS_WITH(make_optimizer("lion", p, 0.1),
                    "[optimizer] expected one of adam, adamw, muon, nadam, sgd, got \"lion\"");
  CHECK_THROWS_WITH(
      make_optimizer("sgd:beta1=0.9", p, 0.1),
      "[sgd] expected keys decay-on, momentum, dampening, weight-decay, nesterov, got unknown "
      "key \"beta1\"");
  CHECK_THROWS_AS(make_optimizer("adam:beta2=1", p, 0.1), ValueError);

  Sequential net = mlp({4, 2});
  Adam adam(net.parameters());
  net.to(DType::float64);
  for (const NamedTensor& parameter : net.parameters())
    parameter.tensor.set_grad(Tensor::zeros(parameter.tensor.shape(), {DType::float64}));
  CHECK_THROWS_AS(adam.step(), ValueError);
}

TEST_CASE("gradients are clipped to a common norm", "[optim]") {
  const Tensor a = Tensor::zeros({2}), b = Tensor::zeros({1}), c = Tensor::zeros({3});
  const std::vector<NamedTensor> parameters = {{"a", a}, {"b", b}, {"c", c}};
  CHECK_FALSE(clip_grad_norm(parameters, 1).defined());
  a.set_grad(Tensor::from<float>({3, 0}, {2}));
  b.set_grad(Tensor::from<float>({-4}, {1}));
  CHECK(clip_grad_norm(parameters, 10).item() == Approx(5));
  CHECK(a.grad().to_vector<float>() == std::vector<float>{3, 0});
  CHECK(clip_grad_norm(parameters, 1).item() == Approx(5));
  CHECK(a.grad().to_vector<float>()[0] == Approx(0.6));
  CHECK(b.grad().item() == Approx(-0.8));
  CHECK_FALSE(c.grad().defined());
  CHECK_THROWS_AS(clip_grad_norm(parameters, 0), ValueError);
}

TEST_CASE("a step may clip the gradients itself", "[optim]") {
  for (const char* name : {"adam:weight-decay=0.1", "nadam", "muon", "sgd:momentum=0.9"})
    for (const double limit : {0.01, 100.0}) {
      const Task inside(DType::float32), outside(DType::float32);
      const std::unique_ptr<Optimizer> a = make_optimizer(name, inside.net.parameters(), 0.1),
                                       b = make_optimizer(name, outside.net.parameters(), 0.1);
      for (int i = 0; i < 3; ++i) {
        inside.backward(*a);
        outside.backward(*b);
        CHECK((clip_grad_norm(b->parameters(), limit).item() > limit) == (limit < 1));
        a->step(limit);
        b->step();
      }
      CHECK(test::weights_of(inside.net) == test::weights_of(outside.net));
    }
  const Task task(DType::float32);
  Adam adam(task.net.parameters());
  CHECK_THROWS_WITH(adam.step(-1),
                    "[optimizer] expected a limit of the norm of at least 0, got -1");
}

TEST_CASE("optimisers take no memory after their first steps", "[optim]") {
  for (const char* name : {"adam", "nadam", "muon", "sgd:momentum=0.9"}) {
    INFO(name);
    const Sequential net = lenet5();
    const std::unique_ptr<Optimizer> optimizer = make_optimizer(name, net.parameters(), 1e-3);
    const Batch batch{Tensor::full({1, 1, 28, 28}, 0.5), Tensor::from<int64_t>({3}, {1})};
    const SerialScope serial;
    const auto step = [&] { train_step(net, *optimizer, {}, batch, {}, {.clip_norm = 1}); };
    for (int i = 0; i < 5; ++i) step();
    const int64_t system = memory_stats().system_allocations;
    const int64_t heap = test::heap_allocations();
    for (int i = 0; i < 20; ++i) step();
    CHECK(memory_stats().system_allocations == system);
    CHECK(test::heap_allocations() == heap);
  }
}
