#include "image/store.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "image/normalize.hpp"

namespace fastload::image {

namespace {

constexpr size_t kRun = 512;  // pixels converted at a time, by way of a buffer on the stack

uint32_t bits_of(const StoreSpec& spec, int channel, int byte, const Light* light = nullptr) {
  float v = to_float(static_cast<uint8_t>(byte), spec.scale, spec.reciprocal);
  if (light != nullptr) v = lit(v, (*light)[channel], spec.scale);
  if (spec.normalize) v = normalized(v, spec.mean[channel], spec.std[channel]);
  switch (spec.dtype) {
    case DType::u8:
      return light != nullptr ? lit_byte(static_cast<uint8_t>(byte), (*light)[channel]) : byte;
    case DType::f32:
      return std::bit_cast<uint32_t>(v);
    case DType::f16:
      return to_f16(v);
    case DType::bf16:
      return to_bf16(v);
  }
  return 0;
}

}  // namespace

Store::Store(const StoreSpec& spec) : spec_(spec) {
  for (int c = 0; c < kChannels; ++c) {
    for (int byte = 0; byte < 256; ++byte) tables_[c][byte] = bits_of(spec, c, byte);
  }
  for (int pattern = 0; pattern <= kInterleaved; ++pattern) {
    Affine& affine = affine_[pattern];
    affine.divisor = spec.scale ? 255.0f : 1.0f;
    affine.reciprocal = 1.0f / affine.divisor;
    affine.correction = spec.reciprocal ? 0.0f : affine.reciprocal;
    for (size_t lane = 0; lane < Affine::kLanes; ++lane) {
      const size_t c = pattern == kInterleaved ? lane % kChannels : static_cast<size_t>(pattern);
      affine.mean[lane] = spec.normalize ? spec.mean[c] : 0.0f;
      affine.std[lane] = spec.normalize ? spec.std[c] : 1.0f;
      affine.reciprocal_std[lane] = 1.0f / affine.std[lane];
    }
  }
  exact_ = vectors_are_exact();
}

bool Store::vectors_are_exact() const {
  std::array<uint8_t, 256> bytes;
  for (int i = 0; i < 256; ++i) bytes[i] = static_cast<uint8_t>(i);
  std::array<uint32_t, 256> computed, expected;
  for (int c = 0; c < kChannels; ++c) {
    if (!convert(affine_[c], spec_.dtype, bytes.data(), bytes.size(), computed.data())) return false;
    if (size_of(spec_.dtype) == 4) {
      look_up(tables_, bytes.data(), bytes.size(), c, expected.data());
    } else {
      look_up(tables_, bytes.data(), bytes.size(), c, reinterpret_cast<uint16_t*>(expected.data()));
    }
    if (std::memcmp(computed.data(), expected.data(), bytes.size() * size_of(spec_.dtype)) != 0) return false;
  }
  return true;
}

size_t Store::bytes(int width, int height) const {
  return size_of(spec_.dtype) * kChannels * static_cast<size_t>(width) * static_cast<size_t>(height);
}

void Store::operator()(const ConstImage& rgb, bool flip, const Light& light, void* dst) const {
  Tables tables;
  for (int c = 0; c < kChannels; ++c) {
    for (int byte = 0; byte < 256; ++byte) tables[c][byte] = bits_of(spec_, c, byte, &light);
  }
  store(rgb, flip, &tables, dst);
}

void Store::store(const ConstImage& rgb, bool flip, const Tables* lit, void* dst) const {
  if (spec_.channels_last) {
    interleaved(rgb, flip, lit, static_cast<uint8_t*>(dst));
  } else {
    planar(rgb, flip, lit, static_cast<uint8_t*>(dst));
  }
}

void Store::planar(const ConstImage& rgb, bool flip, const Tables* lit, uint8_t* dst) const {
  const size_t width = rgb.width, size = size_of(spec_.dtype), plane = width * rgb.height * size;
  alignas(64) uint8_t runs[kChannels][kRun];
  for (int y = 0; y < rgb.height; ++y) {
    for (size_t x = 0; x < width; x += kRun) {
      const size_t count = std::min(kRun, width - x);
      const uint8_t* from = rgb.row(y) + kChannels * (flip ? width - x - count : x);
      uint8_t* to = dst + (y * width + x) * size;
      if (spec_.dtype == DType::u8 && lit == nullptr) {
        split_pixels(from, count, flip, to, to + plane, to + 2 * plane);
        continue;
      }
      split_pixels(from, count, flip, runs[0], runs[1], runs[2]);
      for (int c = 0; c < kChannels; ++c) store_run(runs[c], count, c, lit, to + c * plane);
    }
  }
}

void Store::interleaved(const ConstImage& rgb, bool flip, const Tables* lit, uint8_t* dst) const {
  const size_t width = rgb.width, size = size_of(spec_.dtype);
  uint8_t run[kRun * kChannels + kMirrorRoom];
  for (int y = 0; y < rgb.height; ++y) {
    for (size_t x = 0; x < width; x += kRun) {
      const size_t count = std::min(kRun, width - x);
      const uint8_t* from = rgb.row(y) + kChannels * (flip ? width - x - count : x);
      if (flip) mirror_pixels(from, count, run);
      store_run(flip ? run : from, count * kChannels, kInterleaved, lit,
                dst + (y * width + x) * kChannels * size);
    }
  }
}

void Store::store_run(const uint8_t* bytes, size_t count, int channel, const Tables* lit, void* to) const {
  if (lit == nullptr && spec_.dtype == DType::u8) {
    std::memcpy(to, bytes, count);
    return;
  }
  if (lit == nullptr && exact_ && convert(affine_[channel], spec_.dtype, bytes, count, to)) return;
  const Tables& tables = lit != nullptr ? *lit : tables_;
  switch (size_of(spec_.dtype)) {
    case 4:
      look_up(tables, bytes, count, channel, static_cast<uint32_t*>(to));
      break;
    case 2:
      look_up(tables, bytes, count, channel, static_cast<uint16_t*>(to));
      break;
    default:
      look_up(tables, bytes, count, channel, static_cast<uint8_t*>(to));
  }
}

template <typename T>
void Store::look_up(const Tables& tables, const uint8_t* bytes, size_t count, int channel, T* to) {
  for (size_t i = 0; i < count; ++i) {
    to[i] = static_cast<T>(tables[channel == kInterleaved ? i % kChannels : channel][bytes[i]]);
  }
}

}  // namespace fastload::image
