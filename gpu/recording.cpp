#include "gpu/recording.hpp"

#include <exception>
#include <string>
#include <utility>

#include "core/error.hpp"
#include "core/log_message.hpp"
#include "core/profile.hpp"
#include "gpu/runtime.hpp"

namespace hebb::cuda {
namespace {

constexpr int calls_before = 2;

thread_local RecordedStep* under_way = nullptr;  // what this thread records

std::string reason_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "an error of an unknown kind";
  }
}

}  // namespace

bool is_recording() { return under_way != nullptr; }

void* queue_of(Stream stream) {
  if (!under_way) return stream.handle;
  const Stream own = under_way->stream_;
  return own.device == stream.device && own.handle == stream.handle ? under_way->queue_
                                                                    : stream.handle;
}

void stop_recording(std::string_view reason) {
  if (!under_way) return;
  RecordedStep& step = *under_way;
  step.finish();
  step.call_from_now_on(reason);
}

RecordedStep::RecordedStep(Stream stream, CachingAllocator& memory, std::function<void()> step)
    : stream_(stream), memory_(memory), step_(std::move(step)) {}

// It may be at work: CUDA frees such a graph when it is done, and what gets its memory next comes
// after it in the stream.
RecordedStep::~RecordedStep() { release_graph(graph_); }

void RecordedStep::run() {
  const bool called = is_called_ || is_recording() || profiling();
  if (graph_ && !called) return launch_graph(stream_, graph_);
  if (!called && calls_ == calls_before) return record();
  calls_ += calls_ < calls_before;
  step_();
}

void RecordedStep::record() {
  begin();
  std::exception_ptr error;
  try {
    step_();
    if (is_recording()) finish();
  } catch (...) {
    if (is_called_) throw;  // what came before was done
    error = std::current_exception();
  }
  if (is_called_) return;
  if (error) {  // nothing was done
    if (is_recording()) try {
        end();
      } catch (const Error&) {  // which says the same
      }
    call_from_now_on(reason_of(error));
    step_();
  } else if (arena_->lent() > 0 || arena_->others() > 0) {
    call_from_now_on(arena_->lent() > 0 ? "it leaves tensors that it made"
                                        : "it frees tensors that it did not make");
  } else {
    log_message(LogLevel::info, "[cuda] a step is repeated from here on, in {} MiB of its own",
                arena_->bytes() >> 20);
  }
}

void RecordedStep::begin() {
  arena_.emplace(memory_, [] { stop_recording("there is no memory for it to keep"); });
  queue_ = begin_capture(stream_);
  under_way = this;
  arena_->open();
}

void RecordedStep::end() {
  under_way = nullptr;
  arena_->close();
  graph_ = end_capture(stream_, queue_);
}

/// Ends the recording and does what it holds.
void RecordedStep::finish() {
  end();
  launch_graph(stream_, graph_);
}

void RecordedStep::call_from_now_on(std::string_view reason) {
  is_called_ = true;
  release_graph(std::exchange(graph_, nullptr));
  arena_.reset();
  log_message(LogLevel::warning, "[cuda] a step is called each time, and not repeated: {}", reason);
}

}  // namespace hebb::cuda
