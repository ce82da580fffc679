// A shuffle of 0..n-1 that needs no memory: position -> index by a keyed bijection. An epoch starts at once
// however large the dataset, and any place in it is reached in constant time.
//
// A Feistel network over the smallest even number of bits that holds n, with Philox as its round function,
// and cycle walking for values beyond n (Black & Rogaway, "Ciphers with arbitrary finite domains", CT-RSA
// 2002).
#pragma once

#include <bit>
#include <cstdint>

#include "pipeline/philox.hpp"

namespace fastload::pipeline {

class Permutation {
 public:
  Permutation(uint64_t size, uint64_t seed, uint32_t epoch)
      : size_(size),
        seed_(seed),
        epoch_(epoch),
        half_bits_((std::bit_width(size > 1 ? size - 1 : 1) + 1) / 2) {}

  [[nodiscard]] uint64_t operator[](uint64_t position) const {
    uint64_t value = position;
    do {
      value = encrypt(value);
    } while (value >= size_);  // under 4 rounds on average: the domain is less than 4 times n
    return value;
  }

 private:
  static constexpr uint32_t kRounds = 6;
  static constexpr uint32_t kDomain = 0x53485546;  // apart from the counters of samples' operations

  [[nodiscard]] uint64_t encrypt(uint64_t value) const {
    const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
    uint64_t left = value >> half_bits_, right = value & mask;
    for (uint32_t round = 0; round < kRounds; ++round) {
      const auto random =
          philox({kDomain + round, epoch_, static_cast<uint32_t>(right), ~uint32_t{0}}, seed_);
      const uint64_t next = left ^ (random[0] & mask);
      left = right;
      right = next;
    }
    return left << half_bits_ | right;
  }

  uint64_t size_;
  uint64_t seed_;
  uint32_t epoch_;
  int half_bits_;
};

}  // namespace fastload::pipeline
