// Runs pixel operations on the host.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "image/pixel_operation.hpp"

namespace fastload::image {

// One per thread: owns scratch memory.
class PixelOperator {
 public:
  // The image after all operations, in their order: the image itself where none changes it, else pixels that
  // stay valid until the next call. The image is only read.
  ConstImage operator()(std::span<const PixelOperation> operations, const ConstImage& image);

 private:
  using Table = std::array<uint8_t, 256>;
  using Tables = std::array<Table, kChannels>;  // what a byte of a channel becomes

  // The tables of an operation that has such, for this image as the pending tables leave it.
  bool tables_of(const PixelOperation& operation, Tables& tables) const;
  void settle();  // applies the pending tables
  void run(const PixelOperation& operation);
  template <class Of>
  void replace(Of of);  // each pixel by a function of it
  void smooth_and_blend(float factor);
  void transform(const PixelOperation& operation);
  Image scratch();  // of the image's size, and not its memory

  ConstImage image_;  // as operations leave it
  Image own_;         // the same in scratch memory; no data before it lies there
  bool pending_ = false;
  Tables tables_{};  // of the operations so far that have not been applied yet
  std::vector<uint8_t> scratch_[2];
};

}  // namespace fastload::image
