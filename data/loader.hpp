#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>

#include "core/api.hpp"
#include "core/row_share.hpp"
#include "core/tensor.hpp"
#include "data/dataset.hpp"
#include "data/transforms.hpp"

namespace HEBB_API hebb {

struct Batch {
  Tensor images;       ///< float32 [B, C, H, W], from 0 to 1 unless transforms change that.
  Tensor labels;       ///< int64 [B].
  RowShare rows = {};  ///< Which rows of a batch that is shared these are.

  int64_t size() const { return labels.size(0); }
  /// Samples of the whole batch, and how many of them these count for: over all ranks they add up.
  int64_t total() const { return rows.total > 0 ? rows.total : size(); }
  double counted() const { return double(size()) / double(rows.copies); }
};

struct LoaderOptions {
  int64_t batch_size = 100;
  bool shuffle = true;     ///< A new order in every epoch; otherwise the data set's own.
  bool drop_last = false;  ///< Leave the last batch of an epoch out when it is not full.
  uint64_t seed = 0;       ///< Decides orders and transforms.
  /// Batches that a worker thread keeps ready; 0 makes each batch when it is asked for. The
  /// batches are the same. Pays where making a batch takes longer than waking a thread (10 µs).
  int64_t prefetch = 2;
  Transform transform = {};  ///< Applied to every image after its conversion to float.
  /// Where the batches go. A device that has memory for the data set gets it as bytes, and makes
  /// the batches itself where it can follow the transform (image_steps).
  Device device = {};
  /// Of `ranks` loaders this is number `rank`, whose batches are its shares of the batches that one
  /// loader makes: rows [total rank / ranks, total (rank + 1) / ranks) of each, with that one's
  /// random transforms. A batch of fewer samples than ranks goes to all of them as a whole.
  int rank = 0, ranks = 1;
};

/// Where a loader stands. A loader over the same data with the same options goes on from here with
/// the same bits.
struct LoaderPosition {
  uint64_t seed = 0;
  int64_t epoch = 0;
  int64_t batch = 0;  ///< The next batch of the epoch.
  friend bool operator==(const LoaderPosition&, const LoaderPosition&) = default;
};

/// Batches of a data set, epoch after epoch:
///
///     for (int epoch = 0; epoch < 10; ++epoch)
///       for (const Batch& batch : loader) train(batch);
///
/// Each pass of the loop ends with the epoch, and the next one begins the next; one that is left
/// early goes on where it stopped. The order of an epoch and the transforms are functions of the
/// seed and the epoch's number. Memory of batches that the caller has dropped is used again.
class Loader {
 public:
  /// ValueError for a batch size under 1, a negative prefetch, or a rank outside [0, ranks); what
  /// check_dataset throws.
  explicit Loader(Dataset dataset, LoaderOptions options = {});
  ~Loader();
  Loader(Loader&&) noexcept;
  Loader& operator=(Loader&&) noexcept;

  const Dataset& dataset() const;
  /// Batches in an epoch.
  int64_t batches() const;
  /// The next batch, or nothing at the end of an epoch; the call after that begins the next one.
  /// Throws what a transform threw; the position then stays before that batch.
  std::optional<Batch> next();

  /// Whether the batches' device makes them, so that a step may ask for its batch itself.
  bool makes_on_device() const;
  /// As next, but the batch has no samples before `make` is called, once and in turn. What that
  /// does it does on the device alone, and for all batches of one shape it is the same, so that it
  /// can be a part of a step that is recorded (core/ops/record_step.hpp). For such loaders alone.
  std::optional<Batch> next_place();
  void make(const Batch& place) const;

  LoaderPosition position() const;
  /// Goes to a position; ValueError unless 0 <= epoch and 0 <= batch <= batches().
  void seek(const LoaderPosition& position);

  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(Loader& loader) : loader_(&loader), batch_(loader.next()) {}
    const Batch& operator*() const { return *batch_; }
    Iterator& operator++() {
      batch_.reset();  // so that its memory is free for the next one
      batch_ = loader_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !batch_; }

   private:
    Loader* loader_;
    std::optional<Batch> batch_;
  };
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() { return {}; }

 private:
  class Maker;
  class Worker;
  bool ended_epoch();
  std::unique_ptr<Maker> maker_;
  std::unique_ptr<Worker> worker_;
  LoaderPosition position_;
};

}  // namespace hebb
