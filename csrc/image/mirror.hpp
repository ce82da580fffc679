// Left and right change places.
#pragma once

#include <algorithm>

#include "image/geometry.hpp"

namespace fastload::image {

inline void mirror(const Image& image) {
  for (int y = 0; y < image.height; ++y) {
    uint8_t* left = image.row(y);
    uint8_t* right = left + kChannels * (image.width - 1);
    for (; left < right; left += kChannels, right -= kChannels) {
      std::swap_ranges(left, left + kChannels, right);
    }
  }
}

}  // namespace fastload::image
