// Inverse DCTs that give 4 x 4, 2 x 2 or 1 x 1 samples of a block: libjpeg's jidctred.c, with the 16-bit
// steps of libjpeg-turbo's x86 kernels. They are idct_8 without the frequencies that the smaller grid cannot
// show, some dropped and some folded.
#pragma once

#include "jpeg/idct.hpp"

namespace fastload::jpeg {

// 2^13 times the factors, beyond those of idct.hpp.
inline constexpr int kF0211 = 1730, kF0509 = 4176, kF0601 = 4926, kF0720 = 5906, kF0850 = 6967, kF1061 = 8697;
inline constexpr int kF1272 = 10426, kF1451 = 11893, kF2172 = 17799, kF3624 = 29692;

// Shifts that take the factors' bits away, and the transforms' own scale.
inline constexpr int kPass1Shift4 = kPass1Shift + 1, kPass2Shift4 = kPass2Shift + 1;
inline constexpr int kPass1Shift2 = kPass1Shift + 2, kPass2Shift2 = kPass2Shift + 2;

// (value + 1/2) / 2^shift of a sum that may have wrapped.
FL_HD inline int32_t descale(uint32_t sum, int shift) {
  return static_cast<int32_t>(sum + (1u << (shift - 1))) >> shift;
}

FL_HD inline int16_t dequantised(const int16_t* block, const uint16_t* quantisers, int k) {
  return static_cast<int16_t>(block[k] * quantisers[k]);
}

FL_HD inline uint8_t to_sample(int32_t value) {
  return static_cast<uint8_t>(clamp_to(value, -128, 127) + 128);
}

// 8 inputs, of which the fifth does not matter, to 4 sums.
FL_HD inline void idct_4(const int16_t (&in)[8], uint32_t (&out)[4]) {
  const auto product = [](int a, int factor) { return static_cast<uint32_t>(a * factor); };
  const uint32_t base = product(in[0], 1 << (kConstBits + 1));
  const uint32_t even = product(in[2], kF1847) - product(in[6], kF0765);
  const uint32_t inner =
      product(in[1], kF1061) - product(in[3], kF2172) + product(in[5], kF1451) - product(in[7], kF0211);
  const uint32_t outer =
      product(in[1], kF2562) + product(in[3], kF0899) - product(in[5], kF0601) - product(in[7], kF0509);
  out[0] = base + even + outer;
  out[1] = base - even + inner;
  out[2] = base - even - inner;
  out[3] = base + even - outer;
}

FL_HD inline void idct_block_4(const int16_t* block, const uint16_t* quantisers, uint8_t* dst,
                               ptrdiff_t stride) {
  bool first_row_only = true;
  for (int k = 8; k < 64; ++k) first_row_only = first_row_only && (k / 8 == 4 || block[k] == 0);
  int16_t between[4][8];
  for (int x = 0; x < 8; ++x) {
    int16_t in[8];
    for (int y = 0; y < 8; ++y) in[y] = dequantised(block, quantisers, 8 * y + x);
    uint32_t out[4];
    idct_4(in, out);
    for (int y = 0; y < 4; ++y) {
      // libjpeg-turbo's short cut wraps where its long way saturates.
      between[y][x] =
          static_cast<int16_t>(first_row_only ? in[0] * (1 << kPass1Bits)
                                              : clamp_to(descale(out[y], kPass1Shift4), -32768, 32767));
    }
  }
  for (int y = 0; y < 4; ++y, dst += stride) {
    uint32_t out[4];
    idct_4(between[y], out);
    for (int x = 0; x < 4; ++x) dst[x] = to_sample(descale(out[x], kPass2Shift4));
  }
}

// What the odd inputs add to the first of two samples and take from the second.
FL_HD inline uint32_t idct_2_odd(int in1, int in3, int in5, int in7) {
  return static_cast<uint32_t>(in1 * kF3624) - static_cast<uint32_t>(in3 * kF1272) +
         static_cast<uint32_t>(in5 * kF0850) - static_cast<uint32_t>(in7 * kF0720);
}

FL_HD inline void idct_block_2(const int16_t* block, const uint16_t* quantisers, uint8_t* dst,
                               ptrdiff_t stride) {
  constexpr int kEvenShift = kConstBits + 2;
  int32_t between[2][8];
  for (int x = 0; x < 8; ++x) {
    const auto in = [&](int y) { return dequantised(block, quantisers, 8 * y + x); };
    const uint32_t even = static_cast<uint32_t>(in(0)) << kEvenShift;
    const uint32_t odd = idct_2_odd(in(1), in(3), in(5), in(7));
    between[0][x] = descale(even + odd, kPass1Shift2);
    between[1][x] = descale(even - odd, kPass1Shift2);
  }
  for (int y = 0; y < 2; ++y, dst += stride) {
    const auto in = [&](int x) { return clamp_to(between[y][x], -32768, 32767); };
    const uint32_t even = static_cast<uint32_t>(between[y][0]) << kEvenShift;  // the one that keeps 32 bits
    const uint32_t odd = idct_2_odd(in(1), in(3), in(5), in(7));
    dst[0] = to_sample(descale(even + odd, kPass2Shift2));
    dst[1] = to_sample(descale(even - odd, kPass2Shift2));
  }
}

// The block's mean. libjpeg looks its clamped value up by 10 bits.
FL_HD inline uint8_t idct_block_1(const int16_t* block, const uint16_t* quantisers) {
  const int value = (dequantised(block, quantisers, 0) + 4) >> 3;
  return to_sample(((value & 1023) ^ 512) - 512);
}

// As idct_blocks, to kSide rows of kSide samples a block.
void idct_blocks_4(const int16_t* blocks, const uint8_t* last, int count, const uint16_t* quantisers,
                   uint8_t* dst, ptrdiff_t stride);
void idct_blocks_2(const int16_t* blocks, const uint8_t* last, int count, const uint16_t* quantisers,
                   uint8_t* dst, ptrdiff_t stride);
void idct_blocks_1(const int16_t* blocks, const uint8_t* last, int count, const uint16_t* quantisers,
                   uint8_t* dst, ptrdiff_t stride);

}  // namespace fastload::jpeg
