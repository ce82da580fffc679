// Lays out the staging block of a batch (see batch.hpp) from headers, plans and compressed rows. Host code:
// needs neither a GPU nor nvcc.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

#include "cuda/batch.hpp"
#include "image/store.hpp"
#include "jpeg/splice.hpp"

namespace fastload::cuda {

// What becomes of an image: crop, mirror, resize, cut out a window, flip.
struct Transform {
  image::Rect crop;  // of the image
  bool mirror = false;
  int width = 0, height = 0;  // of the resized crop; the crop's own where it is not resized
  image::Filter filter = image::Filter::bilinear;
  image::Rect window;  // of the resized crop
  bool flip = false;

  // The pixels of the image that are needed: what must be read and decoded. Throws Error(value) where sizes
  // are not positive or the window does not lie in the result.
  [[nodiscard]] image::Rect region() const;
};

// The MCU rows of a JPEG that hold a region, as they were read. The arguments of jpeg::FastDecoder.
struct Rows {
  jpeg::Bytes header_bytes;    // up to the first scan
  const jpeg::Header& header;  // of them
  jpeg::SplicePlan plan;
  jpeg::Bytes data;  // entropy-coded
  int data_row = 0;  // MCU row that `data` begin with; 0 unless rows can be found alone
  jpeg::EntryGrid grid = {};
};

// Of a whole JPEG, for one region of it.
Rows rows_of(jpeg::Bytes jpeg, const jpeg::Header& header, const image::Rect& region);

class BatchBuilder {
 public:
  enum class Added : uint8_t {
    added,
    unsupported,  // not for these kernels: the host decodes it
    full,         // the block or the workspace has no room for it: likewise
  };

  // `staging` must be aligned to kAlignment, and must hold the tasks of `images` images. All images are
  // skipped until they are added. Throws Error(value) where the block is too small.
  BatchBuilder(std::span<uint8_t> staging, int images, size_t workspace_bytes);

  // Adds the image of slot `image`. Different slots may be added by different threads at a time. The bytes
  // are copied. The transform's window must have the size of the batch's images.
  Added add(int image, const Rows& rows, const Transform& transform);

  // What was laid out so far; not while others add.
  [[nodiscard]] std::span<const uint8_t> staging() const { return staging_.first(staging_used_); }
  [[nodiscard]] size_t workspace_bytes() const { return workspace_used_; }
  [[nodiscard]] Largest largest() const;

 private:
  std::span<uint8_t> staging_;
  std::span<ImageTask> tasks_;
  size_t workspace_capacity_;
  std::atomic<size_t> staging_used_, workspace_used_{0};
};

}  // namespace fastload::cuda
