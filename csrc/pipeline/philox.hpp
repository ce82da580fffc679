// Random numbers by counter: a draw depends on (seed, epoch, sample, operation) alone, so not on threads,
// batch size, order or world size.
#pragma once

#include <array>
#include <cstdint>

#include "philox4x32.hpp"

namespace fastload::pipeline {

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
