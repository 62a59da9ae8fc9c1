#include "distributed/communicator.hpp"

#include <vector>

#include "core/check.hpp"

namespace hebb {

void Communicator::all_reduce(std::span<const Tensor> tensors) {
  std::vector<std::unique_ptr<PendingSum>> reductions;
  for (const Tensor& tensor : tensors) reductions.push_back(start_all_reduce(tensor));
  for (const auto& reduction : reductions) reduction->wait();
}

void Communicator::broadcast(std::span<const Tensor> tensors) {
  if (size() == 1) return;
  for (const Tensor& tensor : tensors) {
    const Tensor here = tensor.to(Device::cpu());
    broadcast(std::span(static_cast<std::byte*>(here.data()), here.bytes()));
    if (!tensor.device().is_cpu()) tensor.copy_from(here);
  }
}

void Communicator::broadcast(std::string& text) {
  uint64_t length = text.size();
  broadcast(std::as_writable_bytes(std::span(&length, 1)));
  text.resize(length);
  broadcast(std::as_writable_bytes(std::span(text)));
}

}  // namespace hebb
