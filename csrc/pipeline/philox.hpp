// Random numbers by counter: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011). A draw depends on (seed, epoch, sample, operation) alone, so not on threads, batch size, order or
// world size.
#pragma once

#include <array>
#include <cstdint>

#include "hd.hpp"

namespace fastload::pipeline {

FL_HD inline std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, uint64_t key) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0], b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ k0, static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ k1, static_cast<uint32_t>(a)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return counter;
}

// Whose random numbers.
struct RandomKey {
  uint64_t seed = 0;
  uint32_t epoch = 0;
  uint64_t sample = 0;
};

// The numbers of one operation on one sample, in order.
class RandomStream {
 public:
  FL_HD RandomStream(const RandomKey& key, uint32_t operation)
      : seed_(key.seed),
        counter_{operation << 16, key.epoch, static_cast<uint32_t>(key.sample),
                 static_cast<uint32_t>(key.sample >> 32)} {}

  FL_HD uint32_t bits() {
    if (used_ == 4) {
      block_ = philox(counter_, seed_);
      ++counter_[0];
      used_ = 0;
    }
    return block_[used_++];
  }

  // [low, high), 53 bits.
  FL_HD double uniform(double low, double high) {
    const uint64_t upper = bits() >> 5, lower = bits() >> 6;
    return low + (high - low) * (static_cast<double>(upper << 26 | lower) * 0x1p-53);
  }

  // 0 .. count - 1.
  FL_HD uint32_t below(uint32_t count) { return static_cast<uint32_t>(uint64_t{bits()} * count >> 32); }

 private:
  uint64_t seed_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  uint32_t used_ = 4;
};

}  // namespace fastload::pipeline
