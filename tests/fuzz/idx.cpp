// IDX files: what is read is written to the same bytes, and packed the same tensor is read again.
#include "data/idx.hpp"

#include <cstring>

#include "tests/fuzz/fuzz.hpp"

using namespace hebb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::File plain(".idx"), packed(".idx.gz");
  try {
    const Tensor x = parse_idx(fuzz::bytes_of(data, size), "input");
    write_idx(plain.path(), x);
    const std::vector<char> written = plain.read();
    fuzz::require(written.size() == size && std::memcmp(written.data(), data, size) == 0,
                  "an IDX file is written as it was read");
  } catch (const Error&) {
  }
  try {
    packed.write(data, size);
    const Tensor x = read_idx(packed.path());
    write_idx(packed.path(), x);
    const Tensor again = read_idx(packed.path());
    fuzz::require(again.shape() == x.shape() && again.dtype() == x.dtype() &&
                      std::memcmp(again.data(), x.data(), x.bytes()) == 0,
                  "a packed IDX file is read as it was written");
  } catch (const Error&) {
  }
  return 0;
}
