#include "jpeg/libjpeg_decoder.hpp"

#include <cstring>

#include "jpeg/reduction.hpp"

namespace fastload::jpeg {

void require_inside(const image::Rect& crop, int width, int height) {
  if (crop.x < 0 || crop.y < 0 || crop.width < 1 || crop.height < 1 || crop.x > width - crop.width ||
      crop.y > height - crop.height) {
    throw Error(ErrorKind::value, "crop " + to_string(crop) + " does not lie inside the image of " +
                                      std::to_string(width) + " x " + std::to_string(height));
  }
}

void LibjpegDecoder::decode(Bytes jpeg, const image::Rect& crop, Pixels& out, int reduction) {
  decompressor_.open(jpeg);
  jpeg_decompress_struct& info = decompressor_.info;
  const int width = reduced(static_cast<int>(info.image_width), reduction);
  if (info.num_components != 1 && info.num_components != 3) {
    throw Error(ErrorKind::jpeg, "JPEG of " + std::to_string(info.num_components) + " components");
  }
  require_inside(crop, width, reduced(static_cast<int>(info.image_height), reduction));
  out.resize(crop.width, crop.height);
  const size_t row_bytes = 3 * static_cast<size_t>(crop.width);
  line_.resize(3 * static_cast<size_t>(width));
  uint8_t* const whole_row = line_.data();
  uint8_t* const pixels = out.bytes.data();
  decompressor_.guarded([&] {
    info.out_color_space = JCS_RGB;
    info.scale_num = 1;
    info.scale_denom = static_cast<unsigned>(reduction);
    jpeg_start_decompress(&info);
    const bool whole_rows = crop.width == width;
    for (int y = 0; y < crop.y + crop.height; ++y) {
      uint8_t* row = pixels + row_bytes * static_cast<size_t>(y < crop.y ? 0 : y - crop.y);
      JSAMPROW target = whole_rows && y >= crop.y ? row : whole_row;
      jpeg_read_scanlines(&info, &target, 1);
      if (y >= crop.y && !whole_rows)
        std::memcpy(row, whole_row + 3 * static_cast<size_t>(crop.x), row_bytes);
    }
    jpeg_abort_decompress(&info);
  });
}

}  // namespace fastload::jpeg
