// Where the entropy-coded data of a JPEG may be entered, restart or not: a decoder needs the bit at which an
// MCU begins and the DC predictors there.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hd.hpp"

namespace fastload::jpeg {

// As an index stores it. `position` counts the bits (stuffed zeros included) from the first byte of the
// MCU row's data, and never lies in a stuffed zero. A row's data begin with the byte in which its first bit
// lies.
class EntryPoint {
 public:
  static constexpr uint32_t kPositionBits = 28, kPredictorBits = 12;
  static constexpr int kLargestPredictor = (1 << (kPredictorBits - 1)) - 1;

  constexpr EntryPoint() = default;
  FL_HD constexpr explicit EntryPoint(uint64_t packed) : packed_(packed) {}
  // Predictors lie in [-kLargestPredictor - 1, kLargestPredictor].
  FL_HD constexpr EntryPoint(uint32_t position, const int* predictors, int components) : packed_(position) {
    for (int c = 0; c < components; ++c) {
      const uint64_t bits = static_cast<uint32_t>(predictors[c]) & ((1U << kPredictorBits) - 1);
      packed_ |= bits << (kPositionBits + kPredictorBits * static_cast<uint32_t>(c));
    }
  }

  [[nodiscard]] FL_HD constexpr uint32_t position() const {
    return static_cast<uint32_t>(packed_) & ((1U << kPositionBits) - 1);
  }
  [[nodiscard]] FL_HD constexpr int predictor(int c) const {
    const uint32_t unused = 64 - kPositionBits - kPredictorBits * static_cast<uint32_t>(c + 1);
    return static_cast<int>(static_cast<int64_t>(packed_ << unused) >> (64 - kPredictorBits));
  }
  [[nodiscard]] FL_HD constexpr uint64_t packed() const { return packed_; }

 private:
  uint64_t packed_ = 0;
};
static_assert(sizeof(EntryPoint) == 8);

// How many entry points a row of `columns` MCUs has, one every `interval`.
FL_HD constexpr int points_in_row(int columns, int interval) { return (columns + interval - 1) / interval; }

// The entry points of an image: every MCU row has one at column 0, interval, 2 * interval, ...
struct EntryPoints {
  int interval = 0;                // MCUs; 0: there are none
  std::vector<EntryPoint> points;  // points_in_row() a row, row after row

  [[nodiscard]] bool empty() const { return interval == 0; }
};

// Those of some of its rows, and where these rows lie in the bytes at hand.
struct EntryGrid {
  int interval = 0;
  std::span<const EntryPoint> points;
  std::span<const uint32_t> row_offsets;  // of the first byte of each row; then of the byte behind the last
};

// A segment that ends within a byte needs that byte, and the stuffed zero behind it if it is FF.
inline constexpr uint32_t kSharedBytes = 2;

}  // namespace fastload::jpeg
