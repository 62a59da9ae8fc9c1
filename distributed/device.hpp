#pragma once

#include <memory>
#include <string>

#include "core/device.hpp"
#include "distributed/communicator.hpp"

/// Ranks on GPUs.
namespace hebb {

/// What --device says for this rank: where several ranks have "cuda", without a number, each takes
/// the GPU of its own number on its host, and begins anew where there are fewer.
std::string device_of_rank(const std::string& device, const Communicator& ranks);

/// The communicator for tensors on `device`, on which all ranks are at the same kind: by NCCL where
/// each of several ranks has a GPU of its own. Null where `ranks` itself is to be taken: it adds up
/// what is on GPUs on their hosts. All ranks call it. DeviceError.
std::unique_ptr<Communicator> communicator_on(Device device, Communicator& ranks);

}  // namespace hebb
