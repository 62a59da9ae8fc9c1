#pragma once

#include <string>
#include <string_view>

#include "core/api.hpp"

/// What CUDA and its libraries answer, in words.
namespace hebb::cuda {

enum class Library { runtime, cublas, cudnn, nccl };

/// Throws the DeviceError of a call that failed: the call, the library's name for the status and,
/// where there is one, what to try.
[[noreturn]] HEBB_API void fail_status(Library library, int status, std::string_view name,
                                       std::string_view call);

/// What the runtime says about a machine. Versions are 1000 major + 10 minor; driver is 0 where
/// none is loaded.
struct Machine {
  int driver, runtime;
  int status;  // of asking for the devices, whose answers differ from those of no driver
  int devices;
};

/// Why a machine has no device of this index; empty when it has.
std::string why_no_device(const Machine& machine, int index);

/// "13.0"
std::string version_text(int version);

}  // namespace hebb::cuda
