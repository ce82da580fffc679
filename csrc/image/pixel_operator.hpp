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
  // The image after all operations, in their order: in place, or in memory that stays valid until the next
  // call.
  Image operator()(std::span<const PixelOperation> operations, Image image);

 private:
  using Table = std::array<uint8_t, 256>;
  using Tables = std::array<Table, kChannels>;  // what a byte of a channel becomes

  // The tables of an operation that has such, for this image as the pending tables leave it.
  bool tables_of(const PixelOperation& operation, const Image& image, Tables& tables) const;
  void settle(const Image& image);  // applies the pending tables
  Image smooth_and_blend(const Image& image, float factor);
  Image transform(const PixelOperation& operation, const Image& image);
  Image scratch(const Image& image);  // of its size, and not its memory

  bool pending_ = false;
  Tables tables_{};  // of the operations so far that have not been applied yet
  std::vector<uint8_t> scratch_[2];
};

}  // namespace fastload::image
