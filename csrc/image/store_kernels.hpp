// What Store does to a run of pixels, in the best instruction set that the processor has.
#pragma once

#include <cstddef>
#include <cstdint>

#include "image/dtype.hpp"

namespace fastload::image {

// Interleaved to planar: pixel i of `rgb`, or pixel count - 1 - i where `mirror`, becomes byte i of each
// plane.
void split_pixels(const uint8_t* rgb, size_t count, bool mirror, uint8_t* red, uint8_t* green, uint8_t* blue);

// Interleaved to interleaved, last pixel first. `to` has kMirrorRoom bytes more than the pixels need.
inline constexpr size_t kMirrorRoom = 16;
void mirror_pixels(const uint8_t* rgb, size_t count, uint8_t* to);

// (byte / divisor - mean) / std in single precision, mean and std of channel `i % 3` for value i. Lanes are
// so many that a vector of 16 finds its own from any channel on.
struct Affine {
  static constexpr size_t kLanes = 16 + 2;
  float divisor, reciprocal;
  float correction;  // `reciprocal`, or 0 for the mere product with it
  float mean[kLanes], std[kLanes], reciprocal_std[kLanes];
};

// Converts `count` values to `dtype` (not u8). Division is a product with the reciprocal and two corrections,
// which rounds correctly in all but freak cases: callers compare all 256 bytes with the true quotient once,
// and do without this where they differ. False where this processor has no vectors, or `count` is less than
// one of them: nothing was stored.
bool convert(const Affine& affine, DType dtype, const uint8_t* bytes, size_t count, void* to);

}  // namespace fastload::image
