// Dequantisation and the accurate integer inverse DCT: libjpeg's jidctint.c (Loeffler, Ligtenberg, Moschytz
// 1989), with the 16-bit steps of libjpeg-turbo's x86 kernels, so that coefficients beyond any sane range
// give the same samples too.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hd.hpp"

namespace fastload::jpeg {

// The constants are fixed point with 13 bits, sums carry 2 more between the passes.
inline constexpr int kConstBits = 13, kPass1Bits = 2;
inline constexpr int kPass1Shift = kConstBits - kPass1Bits;
inline constexpr int kPass2Shift = kConstBits + kPass1Bits + 3;

// The factors by their size: 4433 is 0.541196100 * 2^13.
inline constexpr int kF0298 = 2446, kF0390 = 3196, kF0541 = 4433, kF0765 = 6270, kF0899 = 7373, kF1175 = 9633;
inline constexpr int kF1501 = 12299, kF1847 = 15137, kF1961 = 16069, kF2053 = 16819, kF2562 = 20995,
                     kF3072 = 25172;

FL_HD inline int32_t clamp_to(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

// One 8-point transform, not yet scaled down by 2^13. Each product is of a 16-bit number, as in
// libjpeg-turbo.
FL_HD inline void idct_8(const int16_t (&in)[8], int32_t (&out)[8]) {
  const int32_t sum = static_cast<int16_t>(in[0] + in[4]) * (1 << kConstBits);
  const int32_t difference = static_cast<int16_t>(in[0] - in[4]) * (1 << kConstBits);
  const int32_t even2 = in[2] * kF0541 + in[6] * (kF0541 - kF1847);
  const int32_t even3 = in[2] * (kF0541 + kF0765) + in[6] * kF0541;
  const int32_t even[4] = {sum + even3, difference + even2, difference - even2, sum - even3};
  const auto z3 = static_cast<int16_t>(in[7] + in[3]);
  const auto z4 = static_cast<int16_t>(in[5] + in[1]);
  const int32_t odd3 = z3 * (kF1175 - kF1961) + z4 * kF1175;
  const int32_t odd4 = z3 * kF1175 + z4 * (kF1175 - kF0390);
  const int32_t odd[4] = {
      in[7] * -kF0899 + in[1] * (kF1501 - kF0899) + odd4, in[5] * -kF2562 + in[3] * (kF3072 - kF2562) + odd3,
      in[5] * (kF2053 - kF2562) + in[3] * -kF2562 + odd4, in[7] * (kF0298 - kF0899) + in[1] * -kF0899 + odd3};
  for (int k = 0; k < 4; ++k) {
    out[k] = even[k] + odd[k];
    out[7 - k] = even[k] - odd[k];
  }
}

// One block of 64 quantised coefficients in natural order to 8 x 8 samples at `dst`.
FL_HD inline void idct_block(const int16_t* block, const uint16_t* quantisers, uint8_t* dst,
                             ptrdiff_t stride) {
  int16_t between[64];
  bool first_row_only = true;
  for (int k = 8; k < 64; ++k) first_row_only = first_row_only && block[k] == 0;
  for (int x = 0; x < 8; ++x) {
    int16_t in[8];
    for (int y = 0; y < 8; ++y) in[y] = static_cast<int16_t>(block[8 * y + x] * quantisers[8 * y + x]);
    int32_t out[8];
    idct_8(in, out);
    for (int y = 0; y < 8; ++y) {
      const int32_t value = (out[y] + (1 << (kPass1Shift - 1))) >> kPass1Shift;
      // libjpeg-turbo's short cut wraps where its long way saturates.
      between[8 * y + x] =
          static_cast<int16_t>(first_row_only ? in[0] * (1 << kPass1Bits) : clamp_to(value, -32768, 32767));
    }
  }
  for (int y = 0; y < 8; ++y, dst += stride) {
    int16_t in[8];
    for (int x = 0; x < 8; ++x) in[x] = between[8 * y + x];
    int32_t out[8];
    idct_8(in, out);
    for (int x = 0; x < 8; ++x) {
      const int32_t value = (out[x] + (1 << (kPass2Shift - 1))) >> kPass2Shift;
      dst[x] = static_cast<uint8_t>(clamp_to(value, -128, 127) + 128);
    }
  }
}

// `count` blocks that lie side by side. `last`: of each block, the zigzag index of its last coefficient that
// is not zero, or a larger one.
void idct_blocks(const int16_t* blocks, const uint8_t* last, int count, const uint16_t* quantisers,
                 uint8_t* dst, ptrdiff_t stride);

}  // namespace fastload::jpeg
