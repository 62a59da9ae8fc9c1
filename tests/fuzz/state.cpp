// A trainer's state: what a run that is over goes on from is what it then has.
#include <cstring>

#include "core/serialize.hpp"
#include "layers/layers.hpp"
#include "optim/optim.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace hebb;

namespace {

Dataset two_images() {
  return {.images = Tensor::from<uint8_t>({0, 255, 7, 9}, {2, 1, 1, 2}),
          .labels = Tensor::from<int64_t>({0, 1}, {2}),
          .classes = 2,
          .name = "two"};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  State state;
  try {
    state = parse_safetensors(fuzz::bytes_of(data, size), "input").tensors;
  } catch (const Error&) {
    return 0;
  }
  static const Dataset set = two_images();
  const auto model = make_model("mlp:2-2", {.input = {1, 1, 2}, .classes = 2});
  Adam optimizer(model->parameters(), {.lr = 0});
  Trainer trainer(*model, optimizer, {}, {.epochs = 1, .batch_size = 2});
  bool went_on = false;  // with a step, or with an epoch's end
  trainer.on_step = [&](int64_t, int64_t) { went_on = true; };
  trainer.on_epoch = [&](const EpochMetrics&) { went_on = true; };
  try {
    trainer.fit({.train = &set}, state);
  } catch (const Error&) {
    return 0;
  }
  if (went_on) return 0;
  const State found = trainer.state();
  fuzz::require(found.size() == state.size(), "a state is taken as a whole");
  for (const auto& [name, x] : found)
    fuzz::require(std::memcmp(x.data(), state.at(name).data(), x.bytes()) == 0,
                  "a state is kept bit for bit");
  return 0;
}
