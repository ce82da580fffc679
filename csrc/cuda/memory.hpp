// How kernels touch memory: 32 bits at a time, at addresses that are multiples of four, whatever lies there.
#pragma once

#include <cstdint>
#include <cstring>

#include "hd.hpp"

namespace fastload::cuda {

FL_HD inline uint32_t load_word(const void* at) {
  uint32_t word;
  std::memcpy(&word, __builtin_assume_aligned(at, sizeof(word)), sizeof(word));
  return word;
}

FL_HD inline void store_word(void* at, uint32_t word) {
  std::memcpy(__builtin_assume_aligned(at, sizeof(word)), &word, sizeof(word));
}

// The first byte becomes the highest one. Hosts and GPUs are little-endian.
FL_HD inline uint32_t swap_bytes(uint32_t word) {
#ifdef __CUDA_ARCH__
  return __byte_perm(word, 0, 0x0123);
#else
  return __builtin_bswap32(word);
#endif
}

// Whether one of the four bytes is FF.
FL_HD inline bool holds_ff(uint32_t word) {
  constexpr uint32_t kOnes = 0x01010101, kTops = 0x80808080;
  return ((~word - kOnes) & word & kTops) != 0;
}

template <class T>
FL_HD inline T least(T a, T b) {
  return b < a ? b : a;
}

}  // namespace fastload::cuda
