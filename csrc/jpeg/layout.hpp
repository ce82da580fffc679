// The grid of a JPEG: how pixels, MCUs and restart segments lie over each other. All that a crop needs to
// know.
#pragma once

#include <algorithm>
#include <cstdint>

#include "hd.hpp"

namespace fastload::jpeg {

inline constexpr int kMostBlocksInMcu = 10;  // of a scan of several components: T.81, B.2.3

struct Layout {
  int width = 0;
  int height = 0;
  int components = 0;
  uint8_t h[4] = {};  // sampling factors by component
  uint8_t v[4] = {};
  int restart_interval = 0;  // MCUs; 0: no restart markers

  // A scan of one component is not interleaved: its MCU is one block, whatever its sampling factors (A.2.2).
  FL_HD int max_h() const { return components == 1 ? 1 : largest(h); }
  FL_HD int max_v() const { return components == 1 ? 1 : largest(v); }
  FL_HD int mcu_width() const { return 8 * max_h(); }
  FL_HD int mcu_height() const { return 8 * max_v(); }
  FL_HD int mcu_columns() const { return (width + mcu_width() - 1) / mcu_width(); }
  FL_HD int mcu_rows() const { return (height + mcu_height() - 1) / mcu_height(); }

  FL_HD int blocks_in_mcu() const {
    if (components == 1) return 1;
    int blocks = 0;
    for (int c = 0; c < components; ++c) blocks += h[c] * v[c];
    return blocks;
  }

  friend bool operator==(const Layout&, const Layout&) = default;

  // Whether every MCU row begins with a restart, so that rows and segments can be taken out one by one.
  FL_HD bool rows_are_segments() const {
    return restart_interval > 0 && mcu_columns() % restart_interval == 0;
  }

 private:
  FL_HD int largest(const uint8_t* factors) const {
    int most = 1;
    for (int c = 0; c < components; ++c) most = factors[c] > most ? factors[c] : most;
    return most;
  }
};

}  // namespace fastload::jpeg
