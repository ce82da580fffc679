// Huffman decoding of one block after the other (ITU-T T.81, F.2.2), in pieces that hosts and GPUs call.
//
// A step looks up the next kAcBits bits. The entry says how many bits a coefficient's code word and value
// take together, how far it lies behind the last one, and its value, so that a step has one load on its
// critical path and one branch: "has k left the range in which steps need no attention?"
#pragma once

#include <cstddef>
#include <cstring>

#include "hd.hpp"
#include "jpeg/tables.hpp"
#include "jpeg/zigzag.hpp"

namespace fastload::jpeg {

// 2048 entries for luma and as many for chroma fill half of a first-level cache. Measured on prepared
// ImageNet crops: 10 bits +10% time, 12 bits the same.
inline constexpr int kAcBits = 11;
inline constexpr int kDcBits = 9;

// Row-major position of the k-th coefficient. A step writes before it looks at k, which may then have gone as
// far as 255: those writes go to the last coefficient, are zero, or are taken back.
struct NaturalOrder {
  uint8_t at[256] = {};
  constexpr NaturalOrder() {
    for (int k = 0; k < 256; ++k) at[k] = k < kBlockSize ? kZigzag[k] : 63;
  }
  FL_HD constexpr uint8_t operator[](size_t k) const { return at[k]; }
};
inline constexpr NaturalOrder kNaturalOrder;

// What a step adds to k, apart from 1..16: end of block, and "not in the table".
inline constexpr size_t kEndOfBlock = 0x80;
inline constexpr size_t kSlow = 0xC0;

// Code words of any length.
struct CanonicalCode {
  uint32_t limit[17];  // first 16-bit prefix beyond the code words of at most this length
  int32_t offset[17];  // from a code word of this length to the index of its symbol
  uint8_t symbols[256];

  // The code word that leads `prefix` (16 bits), as length << 8 | symbol; 0 if there is none. Not inlined:
  // few need it.
  FL_HD FL_NOINLINE uint32_t find(uint32_t prefix) const {
    for (int length = 1; length <= 16; ++length) {
      if (prefix < limit[length]) {
        const int index = static_cast<int>(prefix >> (16 - length)) + offset[length];
        return static_cast<uint32_t>(length << 8) | symbols[index];
      }
    }
    return 0;
  }
};

struct AcTable {
  // value << 16 | addend to k << 8 | bits. Of a slow entry, the value is length << 8 | symbol (0: too long
  // for the table).
  uint32_t entries[1 << kAcBits];
  CanonicalCode code;
};

struct DcTable {
  uint16_t entries[1 << kDcBits];  // length << 8 | symbol; 0: longer than kDcBits
  CanonicalCode code;
};

// Whether all symbols are sizes that libjpeg takes for a DC difference's.
bool has_dc_sizes(const HuffmanSpec& code);

// False if libjpeg would reject the code.
bool assign(const HuffmanSpec& code, CanonicalCode& canonical);
bool build(const HuffmanSpec& code, AcTable& table);
bool build(const HuffmanSpec& code, DcTable& table);

// What changes with every step.
struct Lane {
  uint64_t bits = 0;  // what comes next, from the top; below it a one, which tells how much was taken
  const uint8_t* at = nullptr;  // where `bits` was loaded from
  const uint32_t* entries = nullptr;
  int16_t* block = nullptr;
  size_t k = 0;
};

FL_HD inline int trailing_zeros(uint64_t bits) {
#ifdef __CUDA_ARCH__
  return __ffsll(static_cast<long long>(bits)) - 1;
#else
  return __builtin_ctzll(bits);
#endif
}

FL_HD inline uint64_t load_big_endian(const uint8_t* at) {
#ifdef __CUDA_ARCH__
  uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word = word << 8 | at[i];
  return word;
#else
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return __builtin_bswap64(word);  // every machine that fastload runs on is little-endian
#endif
}

// Begins at bit `offset` (0..7) of the byte at `at`.
FL_HD inline void start(Lane& lane, const uint8_t* at, int offset) {
  lane.at = at;
  lane.bits = (load_big_endian(at) | 1) << offset;
}

// At least 56 bits are there afterwards. Reads 8 bytes.
FL_HD inline void refill(Lane& lane) {
  const int taken = trailing_zeros(lane.bits);
  lane.at += taken >> 3;
  lane.bits = (load_big_endian(lane.at) | 1) << (taken & 7);
}

// One AC coefficient, or something else if k is beyond 62 afterwards: see finish_slow(). Takes at most
// kAcBits bits.
FL_HD inline void step(Lane& lane) {
  const uint32_t entry = lane.entries[lane.bits >> (64 - kAcBits)];
  lane.bits <<= entry & 63;
  lane.k += entry >> 8 & 0xFF;
  lane.block[kNaturalOrder[lane.k]] = static_cast<int16_t>(entry >> 16);
}

// Takes the `size` (0..15) bits that say a value (T.81, F.2.2.1: RECEIVE and EXTEND): those that begin with 0
// are a negative value's, less one.
FL_HD inline uint32_t take_value(uint64_t& bits, uint32_t size) {
  const uint64_t negative = (bits >> 63) - 1;  // all ones, or zero
  const uint64_t magnitude = (bits ^ negative) >> 1 >> (63 - size);
  bits <<= size;
  return static_cast<uint32_t>((magnitude ^ negative) - negative);
}

// The symbol that step() did not find in the table; k is as step() left it, kSlow or more. False if no code
// word begins so, or if the run leaves the block. At least 25 bits are there afterwards.
FL_HD inline bool finish_slow(Lane& lane, const CanonicalCode& code) {
  lane.k -= kSlow;
  lane.block[63] = 0;  // where step() wrote the entry's value
  uint32_t word = lane.entries[lane.bits >> (64 - kAcBits)] >> 16;
  refill(lane);
  if (word == 0) word = code.find(static_cast<uint32_t>(lane.bits >> 48));
  if (word == 0) return false;
  lane.bits <<= word >> 8;
  const uint32_t run = word >> 4 & 15, size = word & 15;
  if (size == 0) {
    lane.k += run == 15 ? size_t{16} : kEndOfBlock;
    return true;
  }
  lane.k += run + 1;
  if (lane.k > 63) return false;
  lane.block[kNaturalOrder[lane.k]] = static_cast<int16_t>(take_value(lane.bits, size));
  return true;
}

// The difference of a block's DC coefficient to the one before. False if no code word begins so. At least 25
// bits are there afterwards.
FL_HD inline bool take_dc(Lane& lane, const DcTable& table, uint32_t& difference) {
  refill(lane);
  uint32_t word = table.entries[lane.bits >> (64 - kDcBits)];
  if (word == 0) word = table.code.find(static_cast<uint32_t>(lane.bits >> 48));
  if (word == 0) return false;
  lane.bits <<= word >> 8;
  difference = take_value(lane.bits, word & 15);
  return true;
}

}  // namespace fastload::jpeg
