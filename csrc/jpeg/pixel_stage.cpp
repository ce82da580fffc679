#include "jpeg/pixel_stage.hpp"

#include <algorithm>
#include <cstring>

#include "jpeg/color.hpp"
#include "jpeg/idct.hpp"
#include "jpeg/idct_reduced.hpp"

namespace fastload::jpeg {
namespace {

auto idct_of(int side) {
  return side == 8 ? idct_blocks : side == 4 ? idct_blocks_4 : side == 2 ? idct_blocks_2 : idct_blocks_1;
}

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
                              const image::Rect& crop, int reduction) {
  const bool single = layout.components == 1;
  const int h = single ? 1 : layout.h[c];
  v = single ? 1 : layout.v[c];
  upsampling = choose_upsampling(layout, c, covered.width, reduction);
  side = block_side(layout, c, reduction);
  across = layout.mcu_width() / (reduction * h * side);
  down = layout.mcu_height() / (reduction * v * side);
  height = samples_of(covered.height, v, layout.max_v(), side);
  const int width = samples_of(covered.width, h, layout.max_h(), side);
  first_sample = crop.x / across;
  lead = crop.x - first_sample * across;
  const int last_sample = (crop.x + crop.width - 1) / across;
  samples = last_sample - first_sample + 1;
  const int reach = reads_neighbour_columns(upsampling) ? 1 : 0;
  left_edge = first_sample == 0;
  right_edge = last_sample == width - 1;
  first_block = std::max(first_sample - reach, 0) / side;
  blocks = std::min(last_sample + reach, width - 1) / side + 1 - first_block;
  const int reach_y = reads_neighbour_rows(upsampling) ? 1 : 0;
  first_row = std::max(crop.y / down - reach_y, 0);
  end_row = std::min((crop.y + crop.height - 1) / down + reach_y, height - 1) + 1;
  stride = kRowSlack + blocks * side + kRowSlack;
  band.resize(static_cast<size_t>(stride) * static_cast<size_t>(1 + side * v));
  line.resize(static_cast<size_t>(samples * across + kRowSlack));
}

uint8_t* PixelStage::Plane::row(int index) {
  return band.data() + (index + 1) * stride + kRowSlack + first_sample - first_block * side;
}

void PixelStage::Plane::decode(const BlockRow& coefficients, int mcu_row) {
  const int rows = side * v;
  std::memcpy(band.data(), band.data() + rows * stride, static_cast<size_t>(stride));
  for (int k = 0; k < v; ++k) {
    const int top = mcu_row * rows + side * k;
    if (top + side <= first_row || top >= end_row) continue;
    const ptrdiff_t block = static_cast<ptrdiff_t>(k) * coefficients.blocks_across + first_block;
    idct_of(side)(coefficients.blocks + 64 * block, coefficients.last + block, blocks, quantisers,
                  band.data() + (1 + side * k) * stride + kRowSlack, stride);
  }
  if (!reads_neighbour_columns(upsampling)) return;
  for (int k = 0; k < rows; ++k) {
    uint8_t* const samples_of_row = row(k);
    if (left_edge) samples_of_row[-1] = samples_of_row[0];
    if (right_edge) samples_of_row[samples] = samples_of_row[samples - 1];
  }
}

const uint8_t* PixelStage::Plane::pixels(int y, int mcu_row) {
  const int top = mcu_row * side * v;
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
                       const image::Rect& covered, const image::Rect& crop, const image::Image& out,
                       int reduction) {
  components_ = layout.components;
  color_ = color;
  mcu_height_ = layout.mcu_height() / reduction;
  mcu_row_ = -1;
  crop_ = {crop.x - covered.x / reduction, crop.y - covered.y / reduction, crop.width, crop.height};
  next_ = crop_.y;
  out_ = out;
  looks_down_ = false;
  for (int c = 0; c < components_; ++c) {
    planes_[c].quantisers = components[c].quantisers;
    planes_[c].begin(layout, c, covered, crop_, reduction);
    looks_down_ = looks_down_ || reads_neighbour_rows(planes_[c].upsampling);
  }
  const int reach = looks_down_ ? 1 : 0;
  needed_ = {std::max(crop_.y - reach, 0),
             std::min(crop_.y + crop_.height + reach, reduced(covered.height, reduction))};
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
