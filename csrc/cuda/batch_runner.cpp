#include "cuda/batch_runner.hpp"

#include <cstring>
#include <string>

#include "cuda/values.hpp"
#include "error.hpp"

namespace fastload::cuda {
namespace {

constexpr size_t kBlockAlignment = 256;

size_t aligned(size_t bytes) { return (bytes + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment; }

std::string mebibytes(size_t bytes) { return std::to_string((bytes >> 20) + 1) + " MiB"; }

// The caller's thread may be the user's, who has chosen a device too.
class DeviceScope {
 public:
  DeviceScope(Runtime& runtime, int device) : runtime_(runtime), before_(runtime.used_device()) {
    answer_ = runtime.use_device(device);
  }
  ~DeviceScope() { runtime_.use_device(before_); }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;
  [[nodiscard]] Answer answer() const { return answer_; }

 private:
  Runtime& runtime_;
  int before_;
  Answer answer_;
};

[[noreturn]] void fail(Answer answer, const std::string& words, const std::string& what) {
  switch (answer) {
    case Answer::no_driver:
      throw Error(ErrorKind::gpu_driver,
                  what + ": there is no NVIDIA driver (" + words + "); install one, or use device=\"cpu\"");
    case Answer::driver_too_old:
      throw Error(ErrorKind::gpu_driver, what + ": the NVIDIA driver is older than fastload's CUDA (" +
                                             words + "); update the driver, or use device=\"cpu\"");
    case Answer::no_device:
      throw Error(ErrorKind::gpu_missing, what + ": there is no NVIDIA GPU that this process may use (" +
                                              words +
                                              "); look at CUDA_VISIBLE_DEVICES, or use device=\"cpu\"");
    case Answer::out_of_memory:
      throw Error(ErrorKind::gpu_memory, what + ": the GPU has not enough memory left (" + words +
                                             "); a smaller batch_size, fewer batches in flight, or a smaller "
                                             "gpu_memory_limit, which leaves large images to the host");
    case Answer::after_fork:
      throw Error(ErrorKind::gpu, what +
                                      ": CUDA was used before this process was forked, and cannot be used "
                                      "in the child; start processes with \"spawn\"");
    default:
      throw Error(ErrorKind::gpu, what + ": " + words);
  }
}

}  // namespace

void BatchRunner::check(Answer answer, const char* what) const {
  if (answer != Answer::ok) fail(answer, runtime_.words(), what);
}

BatchRunner::BatchRunner(Runtime& runtime, const RunnerSpec& spec)
    : runtime_(runtime),
      spec_(spec),
      image_bytes_(image::Store(spec.store).bytes(spec.width, spec.height)),
      statuses_(static_cast<size_t>(spec.images)) {
  int devices = 0;
  check(runtime_.count_devices(devices), "looking for a GPU");
  if (spec.device < 0 || spec.device >= devices) {
    throw Error(ErrorKind::gpu_index, "there is no GPU " + std::to_string(spec.device) +
                                          ": this process has " + std::to_string(devices) +
                                          ", counted from 0");
  }
  const DeviceScope scope(runtime_, spec.device);
  check(scope.answer(), "taking a GPU into use");
  const std::vector<uint32_t> values = value_table(spec.store);
  const size_t images = static_cast<size_t>(spec.images), value_bytes = values.size() * sizeof(values[0]);
  const size_t status_at = aligned(spec.staging_bytes);
  const size_t values_at = status_at + aligned(images), workspace_at = values_at + aligned(value_bytes);
  const size_t bytes = workspace_at + spec.workspace_bytes;
  if (spec.memory_limit > 0 && bytes > spec.memory_limit) {
    throw Error(ErrorKind::gpu_memory, "a batch of " + std::to_string(images) + " images needs " +
                                           mebibytes(bytes) + " of GPU memory, and gpu_memory_limit leaves " +
                                           mebibytes(spec.memory_limit) +
                                           "; a smaller batch_size or a larger limit");
  }
  try {
    const std::string what = "a batch's " + mebibytes(bytes) + " of GPU memory";
    check(runtime_.allocate(bytes, memory_), what.c_str());
    check(runtime_.allocate_pinned(values_at + images * image_bytes_, pinned_), "pinned memory");
    check(runtime_.make_stream(stream_), "a stream");
    check(runtime_.make_event(event_), "an event");
    auto* const memory = static_cast<uint8_t*>(memory_);
    batch_ = {memory,
              memory + workspace_at,
              reinterpret_cast<Status*>(memory + status_at),
              reinterpret_cast<const uint32_t*>(memory + values_at),
              nullptr,
              spec.images,
              spec.width,
              spec.height,
              spec.store.dtype,
              spec.store.channels_last,
              {}};
    // By way of the staging block, which is as large if anything fits into it.
    if (spec.staging_bytes < value_bytes) throw Error(ErrorKind::value, "the staging block is too small");
    std::memcpy(pinned_, values.data(), value_bytes);
    check(runtime_.copy(memory + values_at, pinned_, value_bytes, stream_), "a copy to the GPU");
    check(runtime_.record(event_, stream_), "an event");
    check(runtime_.synchronize(event_), "a copy to the GPU");
  } catch (...) {
    release();
    throw;
  }
}

BatchRunner::~BatchRunner() {
  const DeviceScope scope(runtime_, spec_.device);
  if (pending_) runtime_.synchronize(event_);  // memory must not go while kernels run
  release();
}

void BatchRunner::release() {
  if (event_ != nullptr) runtime_.drop_event(event_);
  if (stream_ != nullptr) runtime_.drop_stream(stream_);
  if (pinned_ != nullptr) runtime_.release_pinned(pinned_);
  if (memory_ != nullptr) runtime_.release(memory_);
}

BatchBuilder& BatchRunner::begin() {
  if (pending_) check(runtime_.synchronize(event_), "the last batch");
  pending_ = false;
  builder_ = std::make_unique<BatchBuilder>(std::span(static_cast<uint8_t*>(pinned_), spec_.staging_bytes),
                                            spec_.images, spec_.workspace_bytes);
  return *builder_;
}

void BatchRunner::submit(void* output) {
  const DeviceScope scope(runtime_, spec_.device);
  check(scope.answer(), "taking a GPU into use");
  batch_.output = output;
  batch_.largest = builder_->largest();
  auto* const memory = static_cast<uint8_t*>(memory_);
  const size_t status_at = aligned(spec_.staging_bytes);
  check(runtime_.copy(memory, builder_->staging().data(), builder_->staging().size(), stream_),
        "a copy to the GPU");
  check(runtime_.launch(batch_, stream_), "the batch's kernels");
  check(runtime_.copy(static_cast<uint8_t*>(pinned_) + status_at, memory + status_at, statuses_.size(),
                      stream_),
        "a copy from the GPU");
  check(runtime_.record(event_, stream_), "an event");
  pending_ = true;
}

const std::vector<Status>& BatchRunner::statuses() {
  check(runtime_.synchronize(event_), "the batch's kernels");
  pending_ = false;
  std::memcpy(statuses_.data(), static_cast<const uint8_t*>(pinned_) + aligned(spec_.staging_bytes),
              statuses_.size());
  return statuses_;
}

void BatchRunner::put(int image, const void* values) {
  const DeviceScope scope(runtime_, spec_.device);
  check(scope.answer(), "taking a GPU into use");
  const size_t at = static_cast<size_t>(image) * image_bytes_;
  uint8_t* const slot =
      static_cast<uint8_t*>(pinned_) + aligned(spec_.staging_bytes) + aligned(statuses_.size()) + at;
  std::memcpy(slot, values, image_bytes_);
  check(runtime_.copy(static_cast<uint8_t*>(batch_.output) + at, slot, image_bytes_, stream_),
        "a copy to the GPU");
  check(runtime_.record(event_, stream_), "an event");
  pending_ = true;
}

void BatchRunner::hand_over(Runtime::Stream stream) {
  check(runtime_.wait(stream, event_), "the consumer's stream");
}

}  // namespace fastload::cuda
