#include "jpeg/decoder.hpp"

#include <cstring>

#include "jpeg/libjpeg.hpp"

namespace fastload::jpeg {

struct Decoder::Impl {
  Decompressor decompressor;
  std::vector<uint8_t> spliced;
  std::vector<uint8_t> line;  // for rows above the crop, and for rows that are wider than it
};

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;

void Decoder::decode(Bytes jpeg, const image::Rect& crop, Pixels& out) {
  Decompressor& decompressor = impl_->decompressor;
  decompressor.open(jpeg);
  jpeg_decompress_struct& info = decompressor.info;
  const int width = static_cast<int>(info.image_width), height = static_cast<int>(info.image_height);
  if (info.num_components != 1 && info.num_components != 3) {
    throw Error(ErrorKind::jpeg, "JPEG of " + std::to_string(info.num_components) + " components");
  }
  if (crop.x < 0 || crop.y < 0 || crop.width < 1 || crop.height < 1 || crop.x > width - crop.width ||
      crop.y > height - crop.height) {
    throw Error(ErrorKind::value, "crop " + to_string(crop) + " does not lie inside the image of " +
                                      std::to_string(width) + " x " + std::to_string(height));
  }
  out.width = crop.width;
  out.height = crop.height;
  const size_t row_bytes = 3 * static_cast<size_t>(crop.width);
  out.bytes.resize(row_bytes * static_cast<size_t>(crop.height));
  impl_->line.resize(3 * static_cast<size_t>(width));
  uint8_t* const line = impl_->line.data();
  uint8_t* const pixels = out.bytes.data();
  decompressor.guarded([&] {
    info.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info);
    const bool whole_rows = crop.width == width;
    for (int y = 0; y < crop.y + crop.height; ++y) {
      uint8_t* row = pixels + row_bytes * static_cast<size_t>(y < crop.y ? 0 : y - crop.y);
      JSAMPROW target = whole_rows && y >= crop.y ? row : line;
      jpeg_read_scanlines(&info, &target, 1);
      if (y >= crop.y && !whole_rows) std::memcpy(row, line + 3 * static_cast<size_t>(crop.x), row_bytes);
    }
    jpeg_abort_decompress(&info);
  });
}

void Decoder::decode_rows(const Layout& layout, const SplicePlan& plan, Bytes header, Bytes rows,
                          const image::Rect& crop, Pixels& out) {
  splice(layout, plan, header, read_header(header).size_offset, rows, impl_->spliced);
  decode(impl_->spliced, {crop.x - plan.covered.x, crop.y - plan.covered.y, crop.width, crop.height}, out);
}

std::string decoder_version() { return libjpeg_version(); }

}  // namespace fastload::jpeg
