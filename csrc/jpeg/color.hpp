// Components to RGB: JFIF's YCbCr in libjpeg's fixed-point form (jdcolor.c).
#pragma once

#include <cstdint>

#include "hd.hpp"

namespace fastload::jpeg {

// 16 fractional bits.
inline constexpr int32_t kRedOfCr = 91881;     // 1.40200
inline constexpr int32_t kGreenOfCb = -22554;  // -0.34414
inline constexpr int32_t kGreenOfCr = -46802;  // -0.71414
inline constexpr int32_t kBlueOfCb = 116130;   // 1.77200
inline constexpr int32_t kColorHalf = 1 << 15;

FL_HD inline uint8_t clamp_to_byte(int32_t value) {
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

FL_HD inline void ycbcr_pixel(int y, int cb, int cr, uint8_t* rgb) {
  cb -= 128;
  cr -= 128;
  rgb[0] = clamp_to_byte(y + ((kRedOfCr * cr + kColorHalf) >> 16));
  rgb[1] = clamp_to_byte(y + ((kGreenOfCb * cb + kGreenOfCr * cr + kColorHalf) >> 16));
  rgb[2] = clamp_to_byte(y + ((kBlueOfCb * cb + kColorHalf) >> 16));
}

// A row of `count` pixels. Writes 3 * count bytes; may read kRowSlack bytes beyond the components.
void ycbcr_to_rgb(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int count, uint8_t* rgb);
void interleave_rgb(const uint8_t* r, const uint8_t* g, const uint8_t* b, int count, uint8_t* rgb);

}  // namespace fastload::jpeg
