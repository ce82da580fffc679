// Rectangles and views of pixels. Every image in fastload is RGB, 8 bits a channel, interleaved: 3 bytes a
// pixel.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastload::image {

inline constexpr int kChannels = 3;

struct Rect {
  int x, y, width, height;
  friend bool operator==(const Rect&, const Rect&) = default;
};

// Views own nothing; `stride` is the distance of two rows in bytes.
struct ConstImage {
  const uint8_t* data;
  int width, height;
  ptrdiff_t stride;
  [[nodiscard]] const uint8_t* row(int y) const { return data + y * stride; }
};

struct Image {
  uint8_t* data;
  int width, height;
  ptrdiff_t stride;
  [[nodiscard]] uint8_t* row(int y) const { return data + y * stride; }
  operator ConstImage() const {
    return {data, width, height, stride};
  }  // NOLINT(google-explicit-constructor)
};

}  // namespace fastload::image
