#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "core/api.hpp"
#include "gpu/allocator.hpp"
#include "gpu/stream.hpp"

/// Work that is recorded, so that it can be repeated at once: CUDA's graphs.
namespace hebb::cuda {

/// Where this thread's work for a stream goes: to the stream or, while the thread records, to where
/// it is noted and not done.
void* queue_of(Stream stream);
/// Whether this thread records.
bool is_recording();

/// What cannot be recorded says so before it is done: what waits for the device, or tells it what
/// may differ the next time. If the thread records, that ends here: what was noted is done, and the
/// step goes on as if it had not been recorded, for good.
HEBB_API void stop_recording(std::string_view reason);

/// A step that is called twice, so that plans, tables and the memory of libraries are there, then
/// recorded, and from there on repeated. Other threads may use the device meanwhile.
///
/// A step that cannot be repeated is called each time, and the log says why, once: one that waits,
/// that frees what it did not make or leaves what it made, whose memory or graph there is no room
/// for, or in which CUDA finds something that it does not record. Only in this last case it is
/// called once more where it was broken off. While a profile is on (core/profile.hpp), steps are
/// called, too.
class RecordedStep {
 public:
  RecordedStep(Stream stream, CachingAllocator& memory, std::function<void()> step);
  ~RecordedStep();
  RecordedStep(const RecordedStep&) = delete;
  RecordedStep& operator=(const RecordedStep&) = delete;

  void run();

 private:
  friend void* queue_of(Stream stream);
  friend void stop_recording(std::string_view reason);
  void record();
  void begin();
  void end();
  void finish();
  void call_from_now_on(std::string_view reason);

  const Stream stream_;
  CachingAllocator& memory_;
  const std::function<void()> step_;
  int calls_ = 0;
  bool is_called_ = false;           // for good
  void* queue_ = nullptr;            // where work is noted
  void* graph_ = nullptr;            // what was noted
  std::optional<Arena> arena_ = {};  // the memory that it works in
};

}  // namespace hebb::cuda
