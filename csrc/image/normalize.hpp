// The arithmetic that turns a byte into a training value, in torchvision's order and single precision:
// ToTensor's division by 255, or the product with 1/255 of torchvision.transforms.v2's ToDtype, which differs
// in the last bit; Normalize's (v - mean) / std. It must be compiled without contraction to fused
// multiply-adds.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "hd.hpp"

namespace fastload::image {

FL_HD inline float to_float(uint8_t byte, bool scale, bool reciprocal = false) {
  const auto v = static_cast<float>(byte);
  if (!scale) return v;
  return reciprocal ? v * (1.0f / 255.0f) : v / 255.0f;
}

// With `light`, in units of 0..1, added (see Lighting): one rounding for the sum, one more for the product
// with 255 where values are not scaled.
FL_HD inline float lit(float v, float light, bool scale) { return v + (scale ? light : light * 255.0f); }

// The same for uint8: rounded to the nearest byte, halves to even.
FL_HD inline uint8_t lit_byte(uint8_t byte, float light) {
  const float v = lit(static_cast<float>(byte), light, false);
  return static_cast<uint8_t>(v <= 0.0f ? 0.0f : v >= 255.0f ? 255.0f : std::nearbyint(v));
}

FL_HD inline float normalized(float v, float mean, float std) { return (v - mean) / std; }

// Rounds to nearest even; NaN stays NaN.
FL_HD inline uint16_t to_bf16(float v) {
  const auto bits = std::bit_cast<uint32_t>(v);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// Rounds to nearest even, with subnormals, overflow to infinity, and NaN.
FL_HD inline uint16_t to_f16(float v) {
  const auto bits = std::bit_cast<uint32_t>(v);
  const uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 65520 and more
  if (magnitude <
      0x38800000u) {  // below 2^-14: adding 0.5 makes the adder itself round to multiples of 2^-24
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000u));
  }
  const uint32_t rebased = magnitude - (112u << 23);
  return static_cast<uint16_t>(sign | ((rebased + 0xfffu + ((rebased >> 13) & 1u)) >> 13));
}

}  // namespace fastload::image
