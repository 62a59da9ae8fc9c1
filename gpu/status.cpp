#include "gpu/status.hpp"

#include "core/check.hpp"

namespace hebb::cuda {
namespace {

std::string_view advice(Library library, int status) {
  if (library == Library::runtime) switch (status) {
      case 2:  // cudaErrorMemoryAllocation
        return "the device has no memory left; use smaller batches";
      case 34:  // cudaErrorStubLibrary
        return "the program found the toolkit's stub of libcuda.so.1; let it find the driver's";
      case 35:  // cudaErrorInsufficientDriver
        return "the driver is older than this build's CUDA; update it";
      case 46:  // cudaErrorDevicesUnavailable
        return "another process has the device for itself; nvidia-smi shows which";
      case 100:  // cudaErrorNoDevice
        return "nvidia-smi and CUDA_VISIBLE_DEVICES say which devices programs see";
      case 209:  // cudaErrorNoKernelImageForDevice
        return "this build has no code for the device; build with its architecture in "
               "CMAKE_CUDA_ARCHITECTURES";
      case 700:  // cudaErrorIllegalAddress
      case 719:  // cudaErrorLaunchFailure
        return "a kernel that ran before went wrong; CUDA_LAUNCH_BLOCKING=1 or compute-sanitizer "
               "show which, and the process has to be started anew";
      default:
        break;
    }
  if (library == Library::nccl) switch (status) {
      case 1:  // ncclUnhandledCudaError
        return "is the driver as new as NCCL asks? NCCL_DEBUG=INFO shows the call that failed";
      case 2:  // ncclSystemError
        return "a socket or shared memory failed, NCCL_DEBUG=INFO shows which; NCCL_SOCKET_IFNAME "
               "names the network, and containers want --shm-size";
      case 5:  // ncclInvalidUsage
        return "do all ranks have one version of NCCL, and a GPU each?";
      case 6:  // ncclRemoteError
        return "another rank has failed or cannot be reached";
      default:
        return "NCCL_DEBUG=INFO shows why";
    }
  if (library == Library::cublas && status == 3)  // CUBLAS_STATUS_ALLOC_FAILED
    return "the device has no memory left; use smaller batches";
  if (status == 1 || (library == Library::cudnn && status >= 1001 && status < 2000))
    return "is the driver loaded, and as new as this build's libraries ask?";
  return "";
}

}  // namespace

void fail_status(Library library, int status, std::string_view name, std::string_view call) {
  const std::string_view of = library == Library::runtime  ? "cuda"
                              : library == Library::cublas ? "cublas"
                              : library == Library::cudnn  ? "cudnn"
                                                           : "nccl";
  const std::string_view hint = advice(library, status);
  fail<DeviceError>("[{}] {} failed: {} ({}){}{}", of, call, name, status, hint.empty() ? "" : "; ",
                    hint);
}

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

std::string why_no_device(const Machine& machine, int index) {
  if (machine.driver == 0)
    return "no NVIDIA driver is loaded (nvidia-smi shows it where there is one)";
  if (machine.status == 35 || machine.driver / 1000 < machine.runtime / 1000)
    return fmt::format("the driver is too old: it knows CUDA {}, this build needs {}",
                       version_text(machine.driver), version_text(machine.runtime));
  if (machine.status == 100 || (machine.status == 0 && machine.devices == 0))
    return "this machine has no CUDA device, or CUDA_VISIBLE_DEVICES hides it";
  if (machine.status != 0)
    return fmt::format("asking for the devices failed with CUDA's error {}", machine.status);
  if (index >= machine.devices)
    return fmt::format("this machine has {} CUDA device{}", machine.devices,
                       machine.devices == 1 ? "" : "s");
  return "";
}

}  // namespace hebb::cuda
