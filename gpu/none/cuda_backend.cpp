// What a build without CUDA links in place of gpu/.
#include "core/backend.hpp"
#include "core/check.hpp"

namespace hebb {

Backend& cuda_backend(int index) {
  fail<DeviceError>("[device] cuda:{} is not there: this build of Hebb has no CUDA", index);
}

int cuda_device_count() { return 0; }

}  // namespace hebb
