// Pillow's photometric operations, pixel by pixel or as tables of what a byte becomes, bit for bit (Pillow
// 13: Blend.c, Convert.c, Filter.c, ImageOps, ImageEnhance, ImageStat; hue is torchvision's adjust_hue of a
// Pillow image). They must be compiled without contraction to fused multiply-adds.
#pragma once

#include <cmath>
#include <cstdint>

#include "hd.hpp"
#include "image/pixel_operation.hpp"

namespace fastload::image {

struct Rgb {
  uint8_t r, g, b;
  friend bool operator==(const Rgb&, const Rgb&) = default;
};

// Image.blend: from + alpha (to - from) in single precision, clipped, truncated.
FL_HD inline uint8_t blend(int from, int to, float alpha) {
  const float v = static_cast<float>(from) + alpha * static_cast<float>(to - from);
  return static_cast<uint8_t>(v <= 0.0f ? 0.0f : v >= 255.0f ? 255.0f : v);
}

// Image.convert("L"): ITU-R BT.601 in 16 bits of fraction, rounded.
FL_HD inline uint8_t luma(int r, int g, int b) {
  return static_cast<uint8_t>((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16);
}

// ImageFilter.SMOOTH: (sum of the 3 x 3 neighbours + 4 centre) / 13, rounded. Pillow sums in single
// precision, which gives the same, for a sum of bytes over 13 is never near a half.
FL_HD inline uint8_t smooth(int neighbours, int center) {
  return static_cast<uint8_t>((2 * (neighbours + 4 * center) + 13) / 26);
}

// ImageEnhance.Color.
FL_HD inline Rgb saturate(const Rgb& c, float factor) {
  const int gray = luma(c.r, c.g, c.b);
  return {blend(gray, c.r, factor), blend(gray, c.g, factor), blend(gray, c.b, factor)};
}

// Image.convert("HSV"), `shift` added to the hue modulo 256, convert("RGB"). The types of the intermediate
// results matter.
FL_HD inline Rgb shift_hue(const Rgb& c, uint8_t shift) {
  const int most = c.r > c.g ? (c.r > c.b ? c.r : c.b) : (c.g > c.b ? c.g : c.b);
  const int least = c.r < c.g ? (c.r < c.b ? c.r : c.b) : (c.g < c.b ? c.g : c.b);
  if (least == most) return c;  // gray has no hue
  const auto range = static_cast<float>(most - least);
  const float red = static_cast<float>(most - c.r) / range, green = static_cast<float>(most - c.g) / range,
              blue = static_cast<float>(most - c.b) / range;
  float hue;
  if (c.r == most) {
    hue = blue - green;
  } else if (c.g == most) {
    hue = static_cast<float>(2.0 + red - blue);
  } else {
    hue = static_cast<float>(4.0 + green - red);
  }
  const double turns = hue / 6.0 + 1.0;  // from 5/6 on
  hue = static_cast<float>(turns >= 1.0 ? turns - 1.0 : turns);
  const auto saturation = static_cast<uint8_t>(static_cast<int>(range / static_cast<float>(most) * 255.0));
  if (saturation == 0)
    return {static_cast<uint8_t>(most), static_cast<uint8_t>(most), static_cast<uint8_t>(most)};
  const auto h = static_cast<uint8_t>(static_cast<int>(hue * 255.0) + shift);
  const double sixths = static_cast<float>(h) * 6.0 / 255.0;
  const int sector = static_cast<int>(sixths);  // 0 .. 6
  const auto rest = static_cast<float>(sixths - static_cast<float>(sector));
  const auto strength = static_cast<float>(static_cast<float>(saturation) / 255.0);
  const auto byte = [most](double share) {
    return static_cast<uint8_t>(static_cast<int>(static_cast<float>(most) * share + 0.5));
  };
  const auto v = static_cast<uint8_t>(most);
  const uint8_t p = byte(1.0 - strength);
  const auto q = [&] { return byte(1.0 - strength * rest); };
  const auto t = [&] { return byte(1.0 - strength * (1.0 - rest)); };
  switch (sector % 6) {
    case 0:
      return {v, t(), p};
    case 1:
      return {q(), v, p};
    case 2:
      return {p, v, t()};
    case 3:
      return {p, q(), v};
    case 4:
      return {t(), p, v};
    default:
      return {v, p, q()};
  }
}

// --- Tables of 256: what a byte of a channel becomes -------------------------------------------------------

FL_HD inline uint8_t posterized(int byte, int bits) {
  return static_cast<uint8_t>(byte & ~((1 << (8 - bits)) - 1));
}

FL_HD inline uint8_t solarized(int byte, double threshold) {
  return static_cast<uint8_t>(byte < threshold ? byte : 255 - byte);
}

// ImageEnhance.Contrast pulls towards this: the rounded mean of the luma.
FL_HD inline int contrast_pivot(uint64_t luma_sum, uint64_t pixels) {
  return static_cast<int>(static_cast<double>(luma_sum) / static_cast<double>(pixels) + 0.5);
}

// ImageOps.autocontrast of a channel whose darkest and lightest bytes these are.
FL_HD inline uint8_t autocontrasted(int byte, int darkest, int lightest) {
  if (lightest <= darkest) return static_cast<uint8_t>(byte);
  const double scale = 255.0 / (lightest - darkest), offset = -darkest * scale;
  const int v = static_cast<int>(byte * scale + offset);
  return static_cast<uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
}

// ImageOps.equalize of a channel: pixels below a byte, of all those below the lightest one, in 255 steps.
class Equalizer {
 public:
  // `histogram`: of 256 bytes.
  FL_HD explicit Equalizer(const uint32_t* histogram) {
    uint64_t pixels = 0, last = 0;
    for (int byte = 0; byte < 256; ++byte) {
      pixels += histogram[byte];
      if (histogram[byte] > 0) last = histogram[byte];
    }
    step_ = (pixels - last) / 255;  // 0 too where there is one byte only
  }
  // `below`: how many pixels are darker than the byte.
  [[nodiscard]] FL_HD uint8_t operator()(int byte, uint64_t below) const {
    if (step_ == 0) return static_cast<uint8_t>(byte);
    const uint64_t v = (step_ / 2 + below) / step_;
    return static_cast<uint8_t>(v > 255 ? 255 : v);
  }

 private:
  uint64_t step_;
};

}  // namespace fastload::image
