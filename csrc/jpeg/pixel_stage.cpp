#include "jpeg/pixel_stage.hpp"

#include <algorithm>
#include <cstring>

#include "jpeg/color.hpp"
#include "jpeg/idct.hpp"

namespace fastload::jpeg {
namespace {

constexpr int kBlock = 8;

bool reads_neighbour_rows(Upsampling upsampling) {
  return upsampling == Upsampling::h1v2 || upsampling == Upsampling::h2v2;
}

bool reads_neighbour_columns(Upsampling upsampling) {
  return upsampling == Upsampling::h2v1 || upsampling == Upsampling::h2v2;
}

}  // namespace

bool PixelStage::takes(const Layout& layout, ColorSpace color) {
  if (layout.components == 1) return color == ColorSpace::gray;
  if (layout.components != 3 || (color != ColorSpace::ycbcr && color != ColorSpace::rgb)) return false;
  for (int c = 0; c < layout.components; ++c) {
    if (layout.max_h() % layout.h[c] != 0 || layout.max_v() % layout.v[c] != 0) return false;
  }
  return true;
}

void PixelStage::Plane::begin(const Layout& layout, int c, const image::Rect& covered,
                              const image::Rect& crop) {
  const bool single = layout.components == 1;
  const int h = single ? 1 : layout.h[c];
  v = single ? 1 : layout.v[c];
  upsampling = choose_upsampling(layout, c, covered.width);
  across = layout.max_h() / h;
  down = layout.max_v() / v;
  height = samples_of(covered.height, v, layout.max_v());
  const int width = samples_of(covered.width, h, layout.max_h());
  const int x = crop.x - covered.x;
  first_sample = x / across;
  lead = x - first_sample * across;
  const int last_sample = (x + crop.width - 1) / across;
  samples = last_sample - first_sample + 1;
  const int reach = reads_neighbour_columns(upsampling) ? 1 : 0;
  left_edge = first_sample == 0;
  right_edge = last_sample == width - 1;
  first_block = std::max(first_sample - reach, 0) / kBlock;
  blocks = std::min(last_sample + reach, width - 1) / kBlock + 1 - first_block;
  const int reach_y = reads_neighbour_rows(upsampling) ? 1 : 0;
  const int y = crop.y - covered.y;
  first_row = std::max(y / down - reach_y, 0);
  end_row = std::min((y + crop.height - 1) / down + reach_y, height - 1) + 1;
  stride = kRowSlack + blocks * kBlock + kRowSlack;
  band.resize(static_cast<size_t>(stride) * static_cast<size_t>(1 + kBlock * v));
  line.resize(static_cast<size_t>(samples * across + kRowSlack));
}

uint8_t* PixelStage::Plane::row(int index) {
  return band.data() + (index + 1) * stride + kRowSlack + first_sample - first_block * kBlock;
}

void PixelStage::Plane::decode(const BlockRow& coefficients, int mcu_row) {
  const int rows = kBlock * v;
  std::memcpy(band.data(), band.data() + rows * stride, static_cast<size_t>(stride));
  for (int k = 0; k < v; ++k) {
    const int top = mcu_row * rows + kBlock * k;
    if (top + kBlock <= first_row || top >= end_row) continue;
    const ptrdiff_t block = static_cast<ptrdiff_t>(k) * coefficients.blocks_across + first_block;
    idct_blocks(coefficients.blocks + 64 * block, coefficients.last + block, blocks, quantisers,
                band.data() + (1 + kBlock * k) * stride + kRowSlack, stride);
  }
  if (!reads_neighbour_columns(upsampling)) return;
  for (int k = 0; k < rows; ++k) {
    uint8_t* const samples_of_row = row(k);
    if (left_edge) samples_of_row[-1] = samples_of_row[0];
    if (right_edge) samples_of_row[samples] = samples_of_row[samples - 1];
  }
}

const uint8_t* PixelStage::Plane::pixels(int y, int mcu_row) {
  const int top = mcu_row * kBlock * v;
  const int here = y / down;
  const bool lower = y % down != 0;
  const auto neighbour = [&] { return row(std::clamp(lower ? here + 1 : here - 1, 0, height - 1) - top); };
  const uint8_t* const nearer = row(here - top);
  switch (upsampling) {
    case Upsampling::none:
      return nearer;
    case Upsampling::h2v1:
      upsample_h2v1(nearer, samples, line.data());
      break;
    case Upsampling::h1v2:
      upsample_h1v2(nearer, neighbour(), lower, samples, line.data());
      break;
    case Upsampling::h2v2:
      upsample_h2v2(nearer, neighbour(), samples, line.data());
      break;
    case Upsampling::replicate:
      replicate(nearer, samples, across, line.data());
      break;
  }
  return line.data() + lead;
}

void PixelStage::begin(const Layout& layout, ColorSpace color, const Component* components,
                       const image::Rect& covered, const image::Rect& crop, const image::Image& out) {
  components_ = layout.components;
  color_ = color;
  mcu_height_ = layout.mcu_height();
  mcu_row_ = -1;
  crop_ = {crop.x - covered.x, crop.y - covered.y, crop.width, crop.height};
  next_ = crop_.y;
  out_ = out;
  looks_down_ = false;
  for (int c = 0; c < components_; ++c) {
    planes_[c].quantisers = components[c].quantisers;
    planes_[c].begin(layout, c, covered, crop);
    looks_down_ = looks_down_ || reads_neighbour_rows(planes_[c].upsampling);
  }
  const int reach = looks_down_ ? 1 : 0;
  needed_ = {std::max(crop_.y - reach, 0), std::min(crop_.y + crop_.height + reach, covered.height)};
}

void PixelStage::add_row(const BlockRow* components) {
  ++mcu_row_;
  const int top = mcu_row_ * mcu_height_, bottom = top + mcu_height_;
  if (bottom <= needed_.first || top >= needed_.end) return;
  for (int c = 0; c < components_; ++c) planes_[c].decode(components[c], mcu_row_);
  emit(looks_down_ ? bottom - 1 : bottom);
}

void PixelStage::end() { emit(crop_.y + crop_.height); }

void PixelStage::emit(int end) {
  end = std::min(end, crop_.y + crop_.height);
  for (; next_ < end; ++next_) {
    const uint8_t* lines[3] = {};
    for (int c = 0; c < components_; ++c) lines[c] = planes_[c].pixels(next_, mcu_row_);
    uint8_t* const rgb = out_.row(next_ - crop_.y);
    if (color_ == ColorSpace::ycbcr) {
      ycbcr_to_rgb(lines[0], lines[1], lines[2], crop_.width, rgb);
    } else if (color_ == ColorSpace::rgb) {
      interleave_rgb(lines[0], lines[1], lines[2], crop_.width, rgb);
    } else {
      interleave_rgb(lines[0], lines[0], lines[0], crop_.width, rgb);
    }
  }
}

}  // namespace fastload::jpeg
