// One batch in flight: its staging block, its memory on the GPU, its stream. A loader keeps several, so that
// one is filled while others are copied or computed.
#pragma once

#include <memory>
#include <vector>

#include "cuda/batch_builder.hpp"
#include "cuda/runtime.hpp"
#include "image/store.hpp"

namespace fastload::cuda {

struct RunnerSpec {
  int device = 0;
  int images = 0, width = 0, height = 0;
  image::StoreSpec store{};
  size_t staging_bytes = 0;    // compressed bytes and descriptions of a batch
  size_t workspace_bytes = 0;  // samples and pixels of a batch
  size_t memory_limit = 0;     // of GPU memory, for this runner; 0: none
};

// Not thread-safe, but for builder().add(). Allocates in the constructor, and never again.
class BatchRunner {
 public:
  // Error(gpu_missing, gpu_driver, gpu_index, gpu_memory, gpu): what is missing, and what to do.
  BatchRunner(Runtime& runtime, const RunnerSpec& spec);
  ~BatchRunner();
  BatchRunner(const BatchRunner&) = delete;
  BatchRunner& operator=(const BatchRunner&) = delete;

  // Begins a batch. Waits for the last one, whose staging block it takes.
  BatchBuilder& begin();

  // Sends what was built. `output`: device memory of `images` images, which must stay until the batch is
  // done. Returns at once.
  void submit(void* output);

  // Waits for the kernels; then says of each image what became of it. Whatever is not `decoded` the host has
  // to decode, and to put into its slot.
  const std::vector<Status>& statuses();

  // Copies an image that the host made, as the batch wants it, into its slot; done before the next event.
  // At most one a slot and batch.
  void put(int image, const void* values);

  // To be called after the last put(): what comes later in `stream`, the consumer's, finds the batch ready.
  void hand_over(Runtime::Stream stream);

  [[nodiscard]] size_t image_bytes() const { return image_bytes_; }

 private:
  void check(Answer answer, const char* what) const;
  void release();

  Runtime& runtime_;
  RunnerSpec spec_;
  size_t image_bytes_;
  Runtime::Stream stream_ = nullptr;
  Runtime::Event event_ = nullptr;
  bool pending_ = false;    // event_ was recorded and not waited for
  void* pinned_ = nullptr;  // staging block, then statuses, then images by the host
  void* memory_ = nullptr;  // the same staging block, workspace, statuses, values
  Batch batch_{};
  std::unique_ptr<BatchBuilder> builder_;
  std::vector<Status> statuses_;
};

}  // namespace fastload::cuda
