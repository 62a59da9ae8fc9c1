#include <thread>
#include <vector>

#include "core/autograd.hpp"
#include "core/ops/fill.hpp"
#include "core/profile.hpp"
#include "core/storage.hpp"
#include "layers/layers.hpp"
#include "tests/allocations.hpp"
#include "tests/catch.hpp"

namespace hebb {
namespace {

struct Case {
  std::string name;
  std::unique_ptr<Module> model;
  Tensor images;
};

std::vector<Case> networks() {
  std::vector<Case> all;
  for (const auto& [name, shape] : std::vector<std::pair<std::string, Shape>>{
           {"mlp", {1, 28, 28}}, {"lenet5", {1, 28, 28}}, {"resnet18", {3, 32, 32}}}) {
    Generator random(5);
    all.push_back({name, make_model(name, {.input = shape, .generator = Generator(1)}),
                   Tensor::empty(shape.inserted(0, 3))});
    fill_uniform(all.back().images, 0, 1, random);
  }
  return all;
}

}  // namespace

TEST_CASE("several threads infer on one model, with the bits of one", "[layers]") {
  for (const Case& c : networks()) {
    CAPTURE(c.name);
    const Module& model = *c.model;
    const std::vector<float> expected = model(c.images).to_vector<float>();
    std::vector<std::vector<float>> found(4);
    std::vector<std::thread> threads;
    for (std::vector<float>& values : found)
      threads.emplace_back([&] {
        for (int i = 0; i < 3; ++i) values = model(c.images).to_vector<float>();
      });
    for (std::thread& thread : threads) thread.join();
    for (const std::vector<float>& values : found) CHECK(values == expected);
    for (const NamedTensor& parameter : model.parameters())
      CHECK(!parameter.tensor.grad().defined());
  }
}

TEST_CASE("inference makes no graph, and takes no memory once it has run", "[layers]") {
  for (const Case& c : networks()) {
    CAPTURE(c.name);
    const Module& model = *c.model;
    const Tensor image = c.images.slice(0, 1);
    for (int i = 0; i < 3; ++i) CHECK(!model(image).requires_grad());
    const int64_t system = memory_stats().system_allocations, heap = test::heap_allocations();
    for (int i = 0; i < 10; ++i) model(image);
    CHECK(test::heap_allocations() - heap == 0);
    CHECK(memory_stats().system_allocations == system);
    // What is recorded holds its inputs; what is not, gives them back as it goes.
    const int64_t before = memory_stats().bytes_in_use;
    const Tensor inferred = model(image);
    const int64_t taken = memory_stats().bytes_in_use - before;
    Context context;
    const Tensor recorded = model(image, context);
    CHECK(recorded.requires_grad());
    CHECK(memory_stats().bytes_in_use - before - taken > taken);
  }
}

TEST_CASE("modules stand in a profile under their paths", "[layers]") {
  const std::vector<Case> all = networks();
  start_profile();
  (*all[1].model)(all[1].images);
  const std::string trace = stop_profile();
  for (const char* name : {"\"model\"", "\"conv1\"", "\"conv2d_max_pool2d\"", "\"fc1\""})
    CHECK_THAT(trace, ContainsSubstring(name));
}

}  // namespace hebb
