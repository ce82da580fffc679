#include "image/pixel_operator.hpp"

#include <algorithm>
#include <cstring>

#include "image/affine.hpp"
#include "image/color_operations.hpp"
#include "image/mirror.hpp"

namespace fastload::image {
namespace {

using Kind = PixelOperation::Kind;

template <class Do>
void each_pixel(const ConstImage& image, Do work) {
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* p = image.row(y);
    for (int x = 0; x < image.width; ++x, p += kChannels) work(p);
  }
}

template <class Of>
void fill_tables(std::array<std::array<uint8_t, 256>, kChannels>& tables, Of of) {
  for (int byte = 0; byte < 256; ++byte) tables[0][byte] = of(byte);
  tables[1] = tables[2] = tables[0];
}

}  // namespace

ConstImage PixelOperator::operator()(std::span<const PixelOperation> operations, const ConstImage& image) {
  image_ = image;
  own_ = {};
  pending_ = false;
  for (const PixelOperation& operation : operations) {
    Tables tables;
    if (tables_of(operation, tables)) {
      for (int c = 0; c < kChannels && pending_; ++c) {
        for (uint8_t& byte : tables_[c]) byte = tables[c][byte];
      }
      if (!pending_) tables_ = tables;
      pending_ = true;
    } else if (operation.kind != Kind::identity) {
      settle();
      run(operation);
    }
  }
  settle();
  return image_;
}

void PixelOperator::run(const PixelOperation& operation) {
  const auto factor = static_cast<float>(operation.value);
  const auto shift = static_cast<uint8_t>(operation.value);
  switch (operation.kind) {
    case Kind::mirror:
      replace([](const Rgb& c) { return c; });
      mirror(own_);
      break;
    case Kind::saturation:
      replace([factor](const Rgb& c) { return saturate(c, factor); });
      break;
    case Kind::hue:
      replace([shift](const Rgb& c) { return shift_hue(c, shift); });
      break;
    case Kind::grayscale:
      replace([](const Rgb& c) {
        const uint8_t v = luma(c.r, c.g, c.b);
        return Rgb{v, v, v};
      });
      break;
    case Kind::sharpness:
      smooth_and_blend(factor);
      break;
    default:
      transform(operation);
  }
}

template <class Of>
void PixelOperator::replace(Of of) {
  if (own_.data == nullptr) own_ = scratch();
  for (int y = 0; y < image_.height; ++y) {
    const uint8_t* from = image_.row(y);
    uint8_t* to = own_.row(y);
    for (int x = 0; x < image_.width; ++x, from += kChannels, to += kChannels) {
      const Rgb c = of(Rgb{from[0], from[1], from[2]});
      to[0] = c.r;
      to[1] = c.g;
      to[2] = c.b;
    }
  }
  image_ = own_;
}

bool PixelOperator::tables_of(const PixelOperation& operation, Tables& tables) const {
  const auto seen = [this](int c, uint8_t byte) { return pending_ ? tables_[c][byte] : byte; };
  const auto factor = static_cast<float>(operation.value);
  switch (operation.kind) {
    case Kind::brightness:
      fill_tables(tables, [&](int byte) { return blend(0, byte, factor); });
      return true;
    case Kind::invert:
      fill_tables(tables, [](int byte) { return static_cast<uint8_t>(255 - byte); });
      return true;
    case Kind::posterize:
      fill_tables(tables, [&](int byte) { return posterized(byte, static_cast<int>(operation.value)); });
      return true;
    case Kind::solarize:
      fill_tables(tables, [&](int byte) { return solarized(byte, operation.value); });
      return true;
    case Kind::contrast: {
      uint64_t sum = 0;
      each_pixel(image_, [&](const uint8_t* p) { sum += luma(seen(0, p[0]), seen(1, p[1]), seen(2, p[2])); });
      const int pivot = contrast_pivot(sum, static_cast<uint64_t>(image_.width) * image_.height);
      fill_tables(tables, [&](int byte) { return blend(pivot, byte, factor); });
      return true;
    }
    case Kind::autocontrast:
    case Kind::equalize: {
      uint32_t histograms[kChannels][256] = {};
      each_pixel(image_, [&](const uint8_t* p) {
        for (int c = 0; c < kChannels; ++c) ++histograms[c][seen(c, p[c])];
      });
      for (int c = 0; c < kChannels; ++c) {
        const uint32_t* const histogram = histograms[c];
        const auto present = [](uint32_t count) { return count > 0; };
        const auto darkest = static_cast<int>(std::find_if(histogram, histogram + 256, present) - histogram);
        int lightest = 255;
        while (histogram[lightest] == 0) --lightest;
        const Equalizer equalized(histogram);
        uint64_t below = 0;
        for (int byte = 0; byte < 256; ++byte) {
          tables[c][byte] = operation.kind == Kind::equalize ? equalized(byte, below)
                                                             : autocontrasted(byte, darkest, lightest);
          below += histogram[byte];
        }
      }
      return true;
    }
    default:
      return false;
  }
}

void PixelOperator::settle() {
  if (!pending_) return;
  pending_ = false;
  replace([this](const Rgb& c) { return Rgb{tables_[0][c.r], tables_[1][c.g], tables_[2][c.b]}; });
}

// The border's pixels are their own smoothed ones.
void PixelOperator::smooth_and_blend(float factor) {
  const ConstImage image = image_;
  const Image out = scratch();
  const size_t bytes = static_cast<size_t>(kChannels) * image.width;
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* const from = image.row(y);
    uint8_t* const to = out.row(y);
    std::memcpy(to, from, bytes);
    if (y == 0 || y == image.height - 1) continue;
    const uint8_t *const above = image.row(y - 1), *const below = image.row(y + 1);
    for (size_t i = kChannels; i + kChannels < bytes; ++i) {
      const auto column = [&](size_t k) { return above[k] + from[k] + below[k]; };
      const int neighbours = column(i - kChannels) + column(i) + column(i + kChannels);
      to[i] = blend(smooth(neighbours, from[i]), from[i], factor);
    }
  }
  image_ = own_ = out;
}

void PixelOperator::transform(const PixelOperation& operation) {
  const ConstImage image = image_;
  const Image out = scratch();
  const FixedAffine fixed(operation.matrix);
  for (int y = 0; y < image.height; ++y) {
    uint8_t* to = out.row(y);
    for (int x = 0; x < image.width; ++x, to += kChannels) {
      Between between;
      if (operation.filter == Filter::nearest) {
        const int from_x = fixed.source_x(x, y), from_y = fixed.source_y(x, y);
        const bool inside = from_x >= 0 && from_x < image.width && from_y >= 0 && from_y < image.height;
        std::memcpy(to, inside ? image.row(from_y) + kChannels * from_x : operation.fill, kChannels);
      } else if (Between::find(operation.matrix, x, y, image.width, image.height, between)) {
        for (int c = 0; c < kChannels; ++c) {
          const auto get = [&](int from_x, int from_y) { return image.row(from_y)[kChannels * from_x + c]; };
          to[c] = operation.filter == Filter::bilinear ? bilinear(between, image.width, image.height, get)
                                                       : bicubic(between, image.width, image.height, get);
        }
      } else {
        std::memcpy(to, operation.fill, kChannels);
      }
    }
  }
  image_ = own_ = out;
}

Image PixelOperator::scratch() {
  std::vector<uint8_t>& buffer = scratch_[own_.data != nullptr && own_.data == scratch_[0].data() ? 1 : 0];
  const ptrdiff_t stride = static_cast<ptrdiff_t>(kChannels) * image_.width;
  buffer.resize(static_cast<size_t>(stride) * static_cast<size_t>(image_.height));
  return {buffer.data(), image_.width, image_.height, stride};
}

}  // namespace fastload::image
