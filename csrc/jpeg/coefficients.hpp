// A JPEG's quantised DCT coefficients: what decides its pixels, however the bytes are coded.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "jpeg/header.hpp"
#include "jpeg/zigzag.hpp"

namespace fastload::jpeg {

// One component. Does not own the coefficients.
struct Plane {
  int columns = 0, rows = 0;  // blocks that hold pixels; padding up to whole MCUs is not stored
  std::vector<const int16_t*>
      block_rows;  // `rows` pointers to 64 * `columns` coefficients, row-major in a block
  std::array<uint16_t, kBlockSize> quantization{};  // row-major
};

// JFIF's, copied because a rewritten file should print as large as before.
struct Density {
  uint8_t unit = 0;
  uint16_t x = 1, y = 1;
};

struct Coefficients {
  Layout layout;  // restart_interval: of the file to write
  ColorSpace color_space = ColorSpace::unknown;
  Density density;
  std::vector<Plane> planes;  // one, or three
};

}  // namespace fastload::jpeg
