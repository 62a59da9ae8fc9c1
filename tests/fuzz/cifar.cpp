// CIFAR-10's batches: labels and pixels are the file's, in their places.
#include "data/cifar.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace hebb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t pixels = 3072, record = pixels + 1;
  try {
    const Dataset set = parse_cifar10(fuzz::bytes_of(data, size), "input");
    fuzz::require(size_t(set.size()) * record == size, "every record is read");
    const auto images = set.images.host<uint8_t>();
    const auto labels = set.labels.host<int64_t>();
    for (size_t i = 0; i < size; ++i)
      fuzz::require(i % record == 0 ? labels[i / record] == data[i] && data[i] < 10
                                    : images[i / record * pixels + i % record - 1] == data[i],
                    "labels and pixels are the file's");
  } catch (const Error&) {
  }
  return 0;
}
