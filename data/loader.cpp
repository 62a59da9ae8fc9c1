#include "data/loader.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "core/check.hpp"
#include "core/image_math.hpp"
#include "core/log_message.hpp"
#include "core/ops/images.hpp"
#include "core/ops/record_step.hpp"
#include "core/parallel.hpp"

namespace hebb {
namespace {

enum Stream : uint64_t { order_stream, transform_stream };

constexpr int64_t pixels_per_piece = 1 << 17;

}  // namespace

// Makes the batch of a position; used by one thread at a time.
class Loader::Maker {
 public:
  Maker(Dataset dataset, LoaderOptions options)
      : dataset_(std::move(dataset)), options_(std::move(options)) {
    check_dataset(dataset_);
    check(options_.batch_size >= 1, "[loader] expected a batch size of at least 1, got {}",
          options_.batch_size);
    check(options_.prefetch >= 0, "[loader] expected to prefetch 0 or more batches, got {}",
          options_.prefetch);
    check(options_.rank >= 0 && options_.rank < options_.ranks,
          "[loader] expected a rank in [0, {}), got {}", options_.ranks, options_.rank);
    const int64_t full = dataset_.size() / options_.batch_size;
    const bool partial = dataset_.size() % options_.batch_size != 0;
    batches_ = full + (partial && !options_.drop_last);
    steps_ = image_steps(options_.transform, dataset_.images.size(1));
    find_home();
  }

  const Dataset& dataset() const { return dataset_; }
  const LoaderOptions& options() const { return options_; }
  int64_t batches() const { return batches_; }
  /// A device is told of its batches and does not wait for them: nothing is gained by a thread.
  int64_t prefetch() const { return home_.is_cpu() ? options_.prefetch : 0; }

  bool makes_on_device() const { return !home_.is_cpu(); }

  Batch make(const LoaderPosition& position) {
    prepare_epoch(position);
    const Batch batch = place_of(position);
    fill(batch, order_.view({batch.size()}, first_of(position) + batch.rows.first), position);
    return batch;
  }

  /// Where batches are made on the device: a place without samples.
  Batch announce(const LoaderPosition& position) {
    prepare_epoch(position);
    const Generator random = random_of(position);
    const std::vector<int64_t> at = {first_of(position), int64_t(random.state().seed),
                                     int64_t(random.state().stream)};
    if (!cursor_.defined()) cursor_ = Tensor::empty({3}, {DType::int64, home_});
    if (at != cursor_at_) cursor_.copy_from(Tensor::from(at, {3}));
    const Batch batch = place_of(position);
    cursor_at_ = at;
    cursor_at_[0] += batch.total();
    return batch;
  }

  /// What was announced, and nothing that the host knows alone.
  void make(const Batch& place) const {
    const Tensor indices = order_.view({order_.numel() - place.rows.first}, place.rows.first);
    make_batch_at(cursor_, images_, labels_, indices, *steps_, place.images, place.labels);
    advance(cursor_.view({1}, 0), place.total());
  }

 private:
  int64_t first_of(const LoaderPosition& position) const {
    return position.batch * options_.batch_size;
  }
  static Generator random_of(const LoaderPosition& position) {
    return Generator(position.seed).split(transform_stream).split(uint64_t(position.epoch));
  }
  Batch place_of(const LoaderPosition& position) {
    const int64_t total = std::min(options_.batch_size, dataset_.size() - first_of(position));
    const RowShare rows = share_of(total);
    const int64_t count = rows.copies > 1 ? total : share_end(total, options_.rank) - rows.first;
    const Batch& buffer = free_buffer();
    return {.images = buffer.images.view(dataset_.images.shape().with(0, count)),
            .labels = buffer.labels.view({count}),
            .rows = rows};
  }
  int64_t share_end(int64_t total, int rank) const { return total * (rank + 1) / options_.ranks; }
  RowShare share_of(int64_t total) const {
    if (options_.ranks == 1) return {};
    if (total < options_.ranks) return {.total = total, .copies = options_.ranks};
    return {.first = share_end(total, options_.rank - 1), .total = total};
  }

  void prepare_epoch(const LoaderPosition& position) {
    if (order_.defined() && (!options_.shuffle || (position.epoch == order_of_.epoch &&
                                                   position.seed == order_of_.seed)))
      return;
    if (!order_.defined()) order_ = Tensor::empty({dataset_.size()}, {DType::int64, home_});
    const Tensor order =
        home_.is_cpu() ? order_ : Tensor::empty(order_.shape(), {.dtype = DType::int64});
    if (options_.shuffle)
      Generator(position.seed)
          .split(order_stream)
          .split(uint64_t(position.epoch))
          .permutation(order.host<int64_t>());
    else
      std::iota(order.host<int64_t>().begin(), order.host<int64_t>().end(), 0);
    if (!home_.is_cpu()) order_.copy_from(order);
    order_of_ = position;
  }

  // The caller may keep batches: only buffers that nobody else looks into are used again.
  const Batch& free_buffer() {
    const auto kept = size_t(options_.prefetch + 4);
    // How many are in use at once depends on which thread is ahead: a worker has them all at once,
    // so that no later epoch needs more.
    if (prefetch() > 0)
      while (buffers_.size() < kept) buffers_.push_back(new_buffer());
    for (const Batch& buffer : buffers_)
      if (buffer.images.owns_storage() && buffer.labels.owns_storage()) return buffer;
    if (buffers_.size() == kept) buffers_.pop_front();
    return buffers_.emplace_back(new_buffer());
  }
  Batch new_buffer() const {
    const int64_t total = std::min(options_.batch_size, dataset_.size());
    const int64_t ranks = options_.ranks;
    const int64_t rows = std::max((total + ranks - 1) / ranks, std::min(total, ranks - 1));
    return {.images = Tensor::empty(dataset_.images.shape().with(0, rows), {.device = home_}),
            .labels = Tensor::empty({rows}, {DType::int64, home_})};
  }

  // Where batches are made: on their device, which asks for the data set to be there, or here.
  void find_home() {
    images_ = dataset_.images, labels_ = dataset_.labels;
    if (options_.device.is_cpu()) return;
    if (!steps_) {
      log_message(LogLevel::info,
                  "[loader] batches are made on the host: no device follows this transform");
      return;
    }
    try {
      images_ = dataset_.images.to(options_.device);
      labels_ = dataset_.labels.to(options_.device);
      home_ = options_.device;
    } catch (const DeviceError& error) {
      images_ = dataset_.images;
      log_message(LogLevel::warning, "[loader] batches are made on the host: {}", error.what());
    }
  }

  void fill(const Batch& batch, const Tensor& indices, const LoaderPosition& position) {
    const Generator random = random_of(position);
    if (steps_)
      make_batch(images_, labels_, indices, *steps_, random, batch.images, batch.labels);
    else
      call_functions(batch, indices.host<int64_t>(), random);
  }

  // As make_batch, with any function.
  void call_functions(const Batch& batch, std::span<const int64_t> indices,
                      const Generator& random) {
    const Shape& shape = batch.images.shape();
    const int64_t pixels = shape.product(1, 4);
    const auto from = dataset_.images.host<uint8_t>();
    const auto to = batch.images.host<float>();
    const auto from_labels = dataset_.labels.host<int64_t>();
    const auto to_labels = batch.labels.host<int64_t>();
    const int64_t grain = std::max<int64_t>(1, pixels_per_piece / std::max<int64_t>(pixels, 1));
    parallel_for(std::ssize(indices), grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t index = indices[size_t(i)];
        const auto image = to.subspan(size_t(i * pixels), size_t(pixels));
        to_float(from.subspan(size_t(index * pixels), size_t(pixels)), image);
        to_labels[size_t(i)] = from_labels[size_t(index)];
        Sample sample{image, shape[1], shape[2], shape[3], random};
        Generator::State state = random.state();
        state.offset = draws_of_sample({}, index).key.offset;
        sample.random.set_state(state);
        options_.transform(sample);
      }
    });
  }

  Dataset dataset_;
  LoaderOptions options_;
  int64_t batches_ = 0;
  std::optional<ImageSteps> steps_;  // nothing where the transform is the host's
  Device home_ = {};                 // where batches are made
  Tensor images_, labels_, order_;   // there
  LoaderPosition order_of_;
  Tensor cursor_;                   // of batches that are announced, see make_batch_at
  std::vector<int64_t> cursor_at_;  // what it holds once they are made
  std::deque<Batch> buffers_;
};

// A thread that makes the batches from a position on, until it is destroyed or one fails.
class Loader::Worker {
 public:
  Worker(Maker& maker, LoaderPosition position)
      : maker_(maker), position_(position), thread_([this] { run(); }) {}

  ~Worker() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    room_.notify_one();
    thread_.join();
  }

  Batch take() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !queue_.empty() || error_; });
    if (queue_.empty()) std::rethrow_exception(error_);
    Batch batch = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    room_.notify_one();
    return batch;
  }

 private:
  void run() {
    const SerialScope serial;  // the pool's threads belong to the training step
    try {
      for (;;) {
        {
          std::unique_lock lock(mutex_);
          room_.wait(lock, [this] { return stop_ || std::ssize(queue_) < maker_.prefetch(); });
          if (stop_) return;
        }
        Batch batch = maker_.make(position_);
        if (++position_.batch == maker_.batches()) {
          position_.batch = 0;
          ++position_.epoch;
        }
        std::lock_guard lock(mutex_);
        queue_.push_back(std::move(batch));
        ready_.notify_one();
      }
    } catch (...) {
      std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      ready_.notify_one();
    }
  }

  Maker& maker_;
  LoaderPosition position_;
  std::mutex mutex_;
  std::condition_variable ready_, room_;
  std::deque<Batch> queue_;
  std::exception_ptr error_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses all of the above
};

Loader::Loader(Dataset dataset, LoaderOptions options)
    : maker_(std::make_unique<Maker>(std::move(dataset), std::move(options))),
      position_{.seed = maker_->options().seed} {}

Loader::~Loader() = default;
Loader::Loader(Loader&&) noexcept = default;

Loader& Loader::operator=(Loader&& other) noexcept {
  worker_ = std::move(other.worker_);  // before the maker that the old one uses
  maker_ = std::move(other.maker_);
  position_ = other.position_;
  return *this;
}

const Dataset& Loader::dataset() const { return maker_->dataset(); }
int64_t Loader::batches() const { return maker_->batches(); }
LoaderPosition Loader::position() const { return position_; }

bool Loader::ended_epoch() {
  if (position_.batch < batches()) return false;
  position_.batch = 0;
  ++position_.epoch;
  return true;
}

bool Loader::makes_on_device() const { return maker_->makes_on_device(); }

std::optional<Batch> Loader::next_place() {
  check(makes_on_device(), "[loader] expected a device that makes batches itself");
  if (ended_epoch()) return std::nullopt;
  Batch place = maker_->announce(position_);
  ++position_.batch;
  return place;
}

void Loader::make(const Batch& place) const { std::as_const(*maker_).make(place); }

std::optional<Batch> Loader::next() {
  if (ended_epoch()) return std::nullopt;
  Batch batch;
  if (maker_->prefetch() == 0) {
    batch = maker_->make(position_);
  } else {
    if (!worker_) worker_ = std::make_unique<Worker>(*maker_, position_);
    try {
      batch = worker_->take();
    } catch (...) {
      worker_.reset();
      throw;
    }
  }
  ++position_.batch;
  const Device device = maker_->options().device;
  return Batch{
      .images = batch.images.to(device), .labels = batch.labels.to(device), .rows = batch.rows};
}

void Loader::seek(const LoaderPosition& position) {
  check(position.epoch >= 0 && position.batch >= 0 && position.batch <= batches(),
        "[loader] expected an epoch of at least 0 and a batch in [0, {}], got {} and {}", batches(),
        position.epoch, position.batch);
  if (position == position_) return;
  worker_.reset();
  position_ = position;
}

}  // namespace hebb
