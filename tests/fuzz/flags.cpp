// Texts of flags: what is accepted has a name that leads back to it.
#include "core/device.hpp"
#include "layers/layers.hpp"
#include "optim/optim.hpp"
#include "regularizers/regularizers.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace hebb;

namespace {

template <class Function>
void accept(const Function& function) {
  try {
    function();
  } catch (const Error&) {
  }
}

const std::vector<NamedTensor>& parameters() {
  static const std::vector<NamedTensor> all = {{"fc.weight", Tensor::ones({2, 3})},
                                               {"fc.bias", Tensor::ones({2})}};
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::unique_ptr<Regularizer> regularizer;
  accept([&] { regularizer = make_regularizer(text, parameters()); });
  if (regularizer) {
    const std::string name = regularizer->name();
    fuzz::require(make_regularizer(name, parameters())->name() == name,
                  "a regularizer's name makes one of that name");
  }
  std::optional<Device> device;
  accept([&] { device = Device::parse(text); });
  if (device)
    fuzz::require(Device::parse(device->to_string()) == *device, "a device's name is its own");
  accept([&] {
    const Schedule schedule = Schedule::parse(text);
    for (const int64_t step : {0, 1, 50, 99})
      fuzz::require(schedule.lr_at(step, 100, 0.1, 10) >= 0, "learning rates are not negative");
  });
  accept([&] {
    const auto optimizer = make_optimizer(text, parameters(), 0.1);
    fuzz::require(optimizer->lr() == 0.1, "an optimiser has the learning rate that it is given");
  });
  accept([&] { Initializer::parse(text); });
  return 0;
}
