#pragma once

#include <unordered_map>
#include <vector>

#include "distributed/communicator.hpp"
#include "optim/peers.hpp"

namespace hebb {

struct DataParallelOptions {
  /// About how much is added up in one reduction. What backward reaches last has a bucket of 1 MiB,
  /// since nothing is left to hide its sum behind.
  int64_t bucket_bytes = 25 << 20;
};

/// Ranks that train one model together, for TrainerOptions::peers. Gradients are gathered into
/// buckets in the reverse order of parameters, which is about the order in which backward finishes
/// them, and the same on all ranks. A bucket is added up over the ranks from its last gradient on,
/// while backward goes on with others.
class DataParallel final : public Peers {
 public:
  explicit DataParallel(Communicator& communicator, DataParallelOptions options = {});

  int rank() const override { return communicator_.rank(); }
  int size() const override { return communicator_.size(); }
  void broadcast(std::span<const Tensor> tensors) override { communicator_.broadcast(tensors); }
  void sum(const Tensor& values) override { communicator_.all_reduce({&values, 1}); }
  /// ValueError for parameters of several types or devices.
  void sum_gradients(std::span<const NamedTensor> parameters,
                     const std::function<void()>& backward) override;

  /// Of all calls of sum_gradients: the time in which they waited once backward had ended, and in
  /// which there were reductions under way.
  struct Times {
    int64_t steps = 0;
    double waited = 0, under_way = 0;  ///< seconds
  };
  const Times& times() const { return times_; }
  int64_t buckets() const { return int64_t(buckets_.size()); }

 private:
  struct Slot {
    Tensor parameter;
    int64_t first;  // of its elements in the bucket
    bool filled = false;
  };
  struct Bucket {
    std::vector<Slot> slots;
    Tensor values;  // the gradients, then for each slot how many ranks had one
    std::unique_ptr<PendingSum> sum;
    size_t filled = 0;
  };
  struct Place {
    size_t bucket, slot;
  };

  void lay_out(std::span<const NamedTensor> parameters);
  void note(const Tensor& leaf);
  void fill(Bucket& bucket, size_t slot);
  void start_full_buckets();
  void take_sums();

  Communicator& communicator_;
  DataParallelOptions options_;
  std::vector<Bucket> buckets_;
  std::unordered_map<const Tensor::Body*, Place> places_;
  size_t started_ = 0;  // buckets, in their order
  Times times_;
};

}  // namespace hebb
