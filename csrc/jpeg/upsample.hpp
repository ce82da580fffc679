// A component's samples to one for each pixel: libjpeg's jdsample.c with do_fancy_upsampling, its default.
// Where a component has half the columns, half the rows or both, a triangle filter: 3/4 of the nearer sample
// and 1/4 of the farther one. Everything else is replicated.
#pragma once

#include <cstdint>

#include "hd.hpp"
#include "jpeg/reduction.hpp"

namespace fastload::jpeg {

enum class Upsampling : uint8_t { none, h2v1, h1v2, h2v2, replicate };

// How component `c` of an image of `width` pixels is upsampled where the image is decoded to 1/reduction. Its
// factors must divide the largest ones.
Upsampling choose_upsampling(const Layout& layout, int c, int width, int reduction = 1);

// The rounding alternates, so that it does not drift: these are the left and the right pixel of a sample.
FL_HD inline uint8_t h2v1_left(int left, int here) {
  return static_cast<uint8_t>((3 * here + left + 1) >> 2);
}
FL_HD inline uint8_t h2v1_right(int here, int right) {
  return static_cast<uint8_t>((3 * here + right + 2) >> 2);
}
// The upper and the lower pixel.
FL_HD inline uint8_t h1v2_pixel(int nearer, int farther, bool lower) {
  return static_cast<uint8_t>((3 * nearer + farther + (lower ? 2 : 1)) >> 2);
}
// Both directions are rounded once: from sums of a column's two samples.
FL_HD inline int column_sum(int nearer, int farther) { return 3 * nearer + farther; }
FL_HD inline uint8_t h2v2_left(int left, int here) {
  return static_cast<uint8_t>((3 * here + left + 8) >> 4);
}
FL_HD inline uint8_t h2v2_right(int here, int right) {
  return static_cast<uint8_t>((3 * here + right + 7) >> 4);
}

// How far beyond the samples of a row, on either side, these functions may read, and beyond a row of pixels
// write.
inline constexpr int kRowSlack = 128;

// A row of `count` samples to pixels. The first and the last sample's neighbours beyond the image's edge must
// hold that sample's value: libjpeg's special cases for the edges come to the same.
void upsample_h2v1(const uint8_t* samples, int count, uint8_t* pixels);
void upsample_h2v2(const uint8_t* nearer, const uint8_t* farther, int count, uint8_t* pixels);
void upsample_h1v2(const uint8_t* nearer, const uint8_t* farther, bool lower, int count, uint8_t* pixels);
void replicate(const uint8_t* samples, int count, int times, uint8_t* pixels);

}  // namespace fastload::jpeg
