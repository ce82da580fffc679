#include "image/store.hpp"

#include <bit>

#include "image/normalize.hpp"

namespace fastload::image {

Store::Store(const StoreSpec& spec) : spec_(spec) {
  for (int c = 0; c < kChannels; ++c) {
    for (int byte = 0; byte < 256; ++byte) {
      float v = to_float(static_cast<uint8_t>(byte), spec.scale);
      if (spec.normalize) v = normalized(v, spec.mean[c], spec.std[c]);
      uint32_t& bits = tables_[c][byte];
      switch (spec.dtype) {
        case DType::u8:
          bits = static_cast<uint32_t>(byte);
          break;
        case DType::f32:
          bits = std::bit_cast<uint32_t>(v);
          break;
        case DType::f16:
          bits = to_f16(v);
          break;
        case DType::bf16:
          bits = to_bf16(v);
          break;
      }
    }
  }
}

size_t Store::bytes(int width, int height) const {
  return size_of(spec_.dtype) * kChannels * size_t(width) * size_t(height);
}

void Store::operator()(const ConstImage& rgb, bool flip, void* dst) const {
  switch (size_of(spec_.dtype)) {
    case 1:
      return store(rgb, flip, static_cast<uint8_t*>(dst));
    case 2:
      return store(rgb, flip, static_cast<uint16_t*>(dst));
    default:
      return store(rgb, flip, static_cast<uint32_t*>(dst));
  }
}

template <typename T>
void Store::store(const ConstImage& rgb, bool flip, T* dst) const {
  const size_t width = rgb.width, plane = width * rgb.height;
  const size_t channel_step = spec_.channels_last ? 1 : plane,
               pixel_step = spec_.channels_last ? kChannels : 1;
  for (int y = 0; y < rgb.height; ++y) {
    for (int c = 0; c < kChannels; ++c) {
      const uint8_t* from = rgb.row(y) + c;
      T* to = dst + y * width * pixel_step + c * channel_step;
      for (size_t x = 0; x < width; ++x) {
        to[x * pixel_step] = static_cast<T>(tables_[c][from[(flip ? width - 1 - x : x) * kChannels]]);
      }
    }
  }
}

}  // namespace fastload::image
