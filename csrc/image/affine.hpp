// Pillow's Image.transform(size, AFFINE) of an RGB image, bit for bit (Pillow 13: Geometry.c), pixel by
// pixel.
#pragma once

#include <cmath>
#include <cstdint>

#include "hd.hpp"
#include "image/color_operations.hpp"
#include "image/geometry.hpp"

namespace fastload::image {

// Nearest neighbour, with coordinates in 16 bits of fraction. Coordinates must lie in -32768 .. 32767; Pillow
// changes to floating point beyond. (Pillow scales without rotation in floating point too; it is the same
// where an image is shifted by whole pixels or turned by half a turn.)
class FixedAffine {
 public:
  FL_HD explicit FixedAffine(const double (&m)[6])
      : rows_{{fixed(m[0]), fixed(m[1]), fixed(m[2] + m[0] * 0.5 + m[1] * 0.5)},
              {fixed(m[3]), fixed(m[4]), fixed(m[5] + m[3] * 0.5 + m[4] * 0.5)}} {}

  [[nodiscard]] FL_HD int source_x(int x, int y) const { return at(rows_[0], x, y); }
  [[nodiscard]] FL_HD int source_y(int x, int y) const { return at(rows_[1], x, y); }

 private:
  FL_HD static uint32_t fixed(double v) {
    return static_cast<uint32_t>(static_cast<int64_t>(std::floor(v * 65536.0 + 0.5)));
  }
  FL_HD static int at(const uint32_t (&row)[3], int x, int y) {
    return static_cast<int32_t>(row[0] * static_cast<uint32_t>(x) + row[1] * static_cast<uint32_t>(y) +
                                row[2]) >>
           16;
  }
  // NOLINTNEXTLINE(modernize-use-default-member-init): it depends on the argument
  uint32_t rows_[2][3];
};

FL_HD inline int clamp(int value, int count) { return value < 0 ? 0 : value < count ? value : count - 1; }

// Where between pixels an output pixel looks: its nearest pixels to the left and above, and how far beyond.
struct Between {
  int x, y;
  double dx, dy;

  // False: outside of the image.
  FL_HD static bool find(const double (&m)[6], int out_x, int out_y, int width, int height,
                         Between& between) {
    const double x_out = out_x + 0.5, y_out = out_y + 0.5;
    double x = m[0] * x_out + m[1] * y_out + m[2], y = m[3] * x_out + m[4] * y_out + m[5];
    if (!(x >= 0.0 && x < width && y >= 0.0 && y < height)) return false;
    x -= 0.5;
    y -= 0.5;
    between.x = static_cast<int>(std::floor(x));
    between.y = static_cast<int>(std::floor(y));
    between.dx = x - between.x;
    between.dy = y - between.y;
    return true;
  }
};

// `get(x, y)`: a channel of a pixel of the image, whose size this is. Truncated, as Pillow does.
template <class Get>
FL_HD uint8_t bilinear(const Between& at, int width, int height, Get get) {
  const int x0 = clamp(at.x, width), x1 = clamp(at.x + 1, width);
  const auto line = [&](int y) {
    const int a = get(x0, y), b = get(x1, y);
    return a + (b - a) * at.dx;
  };
  const double above = line(clamp(at.y, height));
  const double below = at.y + 1 < height ? line(at.y + 1) : above;
  return static_cast<uint8_t>(above + (below - above) * at.dy);
}

FL_HD inline double cubic(double v1, double v2, double v3, double v4, double d) {
  const double p2 = -v1 + v3, p3 = 2 * (v1 - v2) + v3 - v4, p4 = -v1 + v2 - v3 + v4;
  return v2 + d * (p2 + d * (p3 + d * p4));
}

template <class Get>
FL_HD uint8_t bicubic(const Between& at, int width, int height, Get get) {
  int x[4];
  for (int k = 0; k < 4; ++k) x[k] = clamp(at.x - 1 + k, width);
  const auto line = [&](int y) {
    return cubic(get(x[0], y), get(x[1], y), get(x[2], y), get(x[3], y), at.dx);
  };
  double lines[4];
  lines[0] = line(clamp(at.y - 1, height));
  for (int k = 1; k < 4; ++k) {
    const int y = at.y - 1 + k;
    lines[k] = y >= 0 && y < height ? line(y) : lines[k - 1];
  }
  const double v = cubic(lines[0], lines[1], lines[2], lines[3], at.dy);
  return static_cast<uint8_t>(v <= 0.0 ? 0.0 : v >= 255.0 ? 255.0 : v);
}

}  // namespace fastload::image
