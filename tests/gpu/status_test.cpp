#include "gpu/status.hpp"

#include "core/error.hpp"
#include "tests/catch.hpp"

namespace hebb::cuda {
namespace {

TEST_CASE("why there is no CUDA device", "[gpu]") {
  const auto why = [](int driver, int status, int devices, int index = 0) {
    return why_no_device({driver, 13000, status, devices}, index);
  };
  // Without a driver the runtime answers 35, as with an old one.
  CHECK(why(0, 35, 0) == "no NVIDIA driver is loaded (nvidia-smi shows it where there is one)");
  CHECK(why(12040, 35, 0) == "the driver is too old: it knows CUDA 12.4, this build needs 13.0");
  CHECK(why(13000, 100, 0) == "this machine has no CUDA device, or CUDA_VISIBLE_DEVICES hides it");
  CHECK(why(13000, 0, 1, 1) == "this machine has 1 CUDA device");
  CHECK(why(13000, 0, 2, 5) == "this machine has 2 CUDA devices");
  CHECK(why(13010, 999, 0) == "asking for the devices failed with CUDA's error 999");
  CHECK(why(13020, 0, 1).empty());
}

TEST_CASE("CUDA's errors say the call, the status and what to try", "[gpu]") {
  const auto message = [](Library library, int status) -> std::string {
    try {
      fail_status(library, status, "its text", "cudaMalloc");
    } catch (const DeviceError& error) {
      return error.what();
    }
  };
  CHECK(message(Library::runtime, 4) == "[cuda] cudaMalloc failed: its text (4)");
  CHECK(message(Library::runtime, 2) ==
        "[cuda] cudaMalloc failed: its text (2); the device has no memory left; use smaller "
        "batches");
  CHECK(message(Library::cudnn, 1001) ==
        "[cudnn] cudaMalloc failed: its text (1001); is the driver loaded, and as new as this "
        "build's libraries ask?");
  CHECK(message(Library::nccl, 6) ==
        "[nccl] cudaMalloc failed: its text (6); another rank has failed or cannot be reached");
  CHECK_THAT(message(Library::nccl, 1), ContainsSubstring("NCCL_DEBUG=INFO"));
  CHECK_THAT(message(Library::nccl, 3), ContainsSubstring("; NCCL_DEBUG=INFO shows why"));
  CHECK(message(Library::cublas, 7) == "[cublas] cudaMalloc failed: its text (7)");
}

}  // namespace
}  // namespace hebb::cuda
