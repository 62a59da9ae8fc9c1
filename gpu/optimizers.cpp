#include <mutex>
#include <vector>

#include "gpu/cuda_backend.hpp"
#include "gpu/recording.hpp"

namespace hebb::cuda {

// The table is written anew only where something in it has changed. Who goes on to launch holds the
// lock until then, since another thread's table may be written next. What is recorded has a table
// of its own, written each time.
template <class Launch>
void CudaBackend::update(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                         Launch launch) {
  const std::lock_guard lock(table_mutex_);
  std::vector<SlotRow>& rows = next_rows_;
  rows.clear();
  int64_t pieces = 0;
  DType dtype = DType::float32;
  for (const OptimizerSlot& slot : slots) {
    if (!slot.grad.defined()) continue;
    dtype = slot.grad.dtype();
    const int64_t n = slot.grad.numel();
    rows.push_back({slot.parameter.data(),
                    slot.grad.data(),
                    {data_or_null<void>(slot.moments[0]), data_or_null<void>(slot.moments[1])},
                    data_of<int64_t>(slot.steps),
                    data_or_null<double>(slot.mu_product),
                    slot.lr_scale,
                    slot.weight_decay_scale,
                    n,
                    pieces});
    pieces += (n + slot_piece - 1) / slot_piece;
  }
  const auto count = int64_t(rows.size());
  const auto bytes = count * int64_t(sizeof(SlotRow));
  const auto make_table = [&] {
    return Tensor::empty({bytes}, {DType::uint8, Device::cuda(stream_.device)});
  };
  const bool recorded = is_recording();
  const Tensor own = recorded ? make_table() : Tensor();
  const bool fits = table_.defined() && table_.numel() >= bytes;
  if (!recorded && !fits) table_ = make_table();
  const SlotTable table{data_of<SlotRow>(recorded ? own : table_), count, pieces};
  if (recorded || !fits || rows != rows_) write_rows(stream_, rows.data(), table);
  if (!recorded) std::swap(rows_, rows);
  const Tensor memory = scratch(slot_scratch(count));
  const SlotScalars pointers{data_of<double>(scalars.lr), data_or_null<double>(scalars.grad_scale),
                             data_or_null<int64_t>(scalars.steps), data_of<double>(memory)};
  dispatch(dtype, [&]<class T>() { launch.template operator()<T>(table, pointers); });
}

void CudaBackend::sgd(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                      const SgdRule& rule) {
  update(slots, scalars, [&]<class T>(const SlotTable& table, const SlotScalars& pointers) {
    cuda::sgd<T>(stream_, table, pointers, rule);
  });
}

void CudaBackend::adam(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                       const AdamRule& rule) {
  update(slots, scalars, [&]<class T>(const SlotTable& table, const SlotScalars& pointers) {
    cuda::adam<T>(stream_, table, pointers, rule);
  });
}

void CudaBackend::nadam(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                        const NadamRule& rule) {
  update(slots, scalars, [&]<class T>(const SlotTable& table, const SlotScalars& pointers) {
    cuda::nadam<T>(stream_, table, pointers, rule);
  });
}

template <class T>
static std::vector<TensorList<T>> lists_of(std::span<const Tensor> tensors) {
  std::vector<TensorList<T>> lists;
  for (const Tensor& x : tensors) {
    if (lists.empty() || lists.back().count == TensorList<T>::most) lists.emplace_back();
    lists.back().add(data_of<T>(x), x.numel());
  }
  return lists;
}

// The factor stays on the device.
Backend::Clip CudaBackend::clip_scale(std::span<const Tensor> grads, double limit) {
  const TensorOptions options{DType::float64, grads[0].device()};
  const Clip clip{Tensor::empty({}, options), Tensor::empty({}, options)};
  dispatch(grads[0].dtype(), [&]<class T>() {
    const std::vector<TensorList<T>> lists = lists_of<T>(grads);
    int64_t pieces = 0;
    for (const TensorList<T>& list : lists) pieces += list.pieces();
    const Tensor sums = scratch(pieces);
    int64_t first = 0;
    for (const TensorList<T>& list : lists) {
      sum_squares(stream_, list, data_of<double>(sums) + first);
      first += list.pieces();
    }
    cuda::clip_scale(stream_, pieces, data_of<double>(sums), limit, data_of<double>(clip.norm),
                     data_of<double>(clip.scale));
  });
  return clip;
}

void CudaBackend::scale_all(std::span<const Tensor> x, const Tensor& scale) {
  if (x.empty()) return;
  dispatch(x[0].dtype(), [&]<class T>() {
    for (const TensorList<T>& list : lists_of<T>(x))
      cuda::scale_all(stream_, list, data_of<double>(scale));
  });
}

}  // namespace hebb::cuda
