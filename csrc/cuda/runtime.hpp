// What fastload asks of CUDA, and nothing else: devices, memory, streams, copies, and the launch of a batch.
// There are two of it: CUDA's (cuda_runtime.cu), and one that has host memory and the host executor behind it
// (host_runtime.hpp), with which all that is built upon this is tested where there is no GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "cuda/batch.hpp"

namespace fastload::cuda {

enum class Answer : uint8_t {
  ok,
  no_driver,
  driver_too_old,
  no_device,
  out_of_memory,
  after_fork,  // CUDA was used before this process was forked, and cannot be again
  failed,      // see words()
};

// Thread-safe. Handles are null where there is none.
class Runtime {
 public:
  using Stream = void*;
  using Event = void*;

  virtual ~Runtime() = default;

  // CUDA's own words for the last answer of this thread that was not ok.
  [[nodiscard]] virtual std::string words() const = 0;

  virtual Answer count_devices(int& count) = 0;
  // All below concerns the device that this thread uses.
  virtual int used_device() = 0;
  virtual Answer use_device(int device) = 0;

  virtual Answer allocate(size_t bytes, void*& block) = 0;
  virtual void release(void* block) = 0;
  // Host memory that copies run beside.
  virtual Answer allocate_pinned(size_t bytes, void*& block) = 0;
  virtual void release_pinned(void* block) = 0;

  virtual Answer make_stream(Stream& stream) = 0;
  virtual void drop_stream(Stream stream) = 0;
  virtual Answer make_event(Event& event) = 0;
  virtual void drop_event(Event event) = 0;

  // Asynchronous, in the order of the stream; either way between pinned and device memory.
  virtual Answer copy(void* to, const void* from, size_t bytes, Stream stream) = 0;
  virtual Answer launch(const Batch& batch, Stream stream) = 0;
  virtual Answer record(Event event, Stream stream) = 0;
  // What comes later in the stream waits for the event.
  virtual Answer wait(Stream stream, Event event) = 0;
  // This thread waits for the event.
  virtual Answer synchronize(Event event) = 0;
};

// CUDA's. Only in a build with CUDA.
Runtime& cuda_runtime();

}  // namespace fastload::cuda
