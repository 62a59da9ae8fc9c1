// Safetensors: what is read is written to a file that says the same, and is written to the same
// bytes.
#include <cstring>

#include "core/serialize.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace hebb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::File first(".1"), second(".2");
  SafetensorsFile file;
  try {
    file = parse_safetensors(fuzz::bytes_of(data, size), "input");
  } catch (const Error&) {
    return 0;
  }
  save_safetensors(first.path(), file.tensors, file.metadata);
  const SafetensorsFile again = load_safetensors(first.path());
  fuzz::require(again.metadata == file.metadata, "metadata are read as they were written");
  fuzz::require(again.tensors.size() == file.tensors.size(), "all tensors are written");
  for (const auto& [name, x] : file.tensors) {
    const auto found = again.tensors.find(name);
    fuzz::require(found != again.tensors.end() && found->second.shape() == x.shape() &&
                      found->second.dtype() == x.dtype() &&
                      std::memcmp(found->second.data(), x.data(), x.bytes()) == 0,
                  "tensors are read as they were written");
  }
  save_safetensors(second.path(), again.tensors, again.metadata);
  fuzz::require(first.read() == second.read(), "what is read is written to the same bytes");
  return 0;
}
