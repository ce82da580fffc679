#include "jpeg/decoder.hpp"

#include <cstring>

#include "jpeg/fast_decoder.hpp"
#include "jpeg/libjpeg.hpp"

namespace fastload::jpeg {

namespace {

void require_inside(const image::Rect& crop, int width, int height) {
  if (crop.x < 0 || crop.y < 0 || crop.width < 1 || crop.height < 1 || crop.x > width - crop.width ||
      crop.y > height - crop.height) {
    throw Error(ErrorKind::value, "crop " + to_string(crop) + " does not lie inside the image of " +
                                      std::to_string(width) + " x " + std::to_string(height));
  }
}

}  // namespace

struct Decoder::Impl {
  FastDecoder fast;
  DecoderCounts counts;
  Decompressor decompressor;
  std::vector<uint8_t> spliced;
  std::vector<uint8_t> line;  // for rows above the crop, and for rows that are wider than it

  bool count(FastDecoder::Outcome outcome);
  void decode_with_libjpeg(Bytes jpeg, const image::Rect& crop, Pixels& out);
};

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;

const DecoderCounts& Decoder::counts() const { return impl_->counts; }

// Whether the image is decoded.
bool Decoder::Impl::count(FastDecoder::Outcome outcome) {
  using enum FastDecoder::Outcome;
  ++(outcome == decoded ? counts.fast : outcome == damaged ? counts.damaged : counts.unsupported);
  return outcome == decoded;
}

void Decoder::Impl::decode_with_libjpeg(Bytes jpeg, const image::Rect& crop, Pixels& out) {
  decompressor.open(jpeg);
  jpeg_decompress_struct& info = decompressor.info;
  const int width = static_cast<int>(info.image_width);
  if (info.num_components != 1 && info.num_components != 3) {
    throw Error(ErrorKind::jpeg, "JPEG of " + std::to_string(info.num_components) + " components");
  }
  require_inside(crop, width, static_cast<int>(info.image_height));
  out.resize(crop.width, crop.height);
  const size_t row_bytes = 3 * static_cast<size_t>(crop.width);
  line.resize(3 * static_cast<size_t>(width));
  uint8_t* const whole_row = line.data();
  uint8_t* const pixels = out.bytes.data();
  decompressor.guarded([&] {
    info.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info);
    const bool whole_rows = crop.width == width;
    for (int y = 0; y < crop.y + crop.height; ++y) {
      uint8_t* row = pixels + row_bytes * static_cast<size_t>(y < crop.y ? 0 : y - crop.y);
      JSAMPROW target = whole_rows && y >= crop.y ? row : whole_row;
      jpeg_read_scanlines(&info, &target, 1);
      if (y >= crop.y && !whole_rows) std::memcpy(row, whole_row + 3 * static_cast<size_t>(crop.x), row_bytes);
    }
    jpeg_abort_decompress(&info);
  });
}

void Decoder::decode(Bytes jpeg, const image::Rect& crop, Pixels& out) {
  const Header header = read_header(jpeg);
  require_inside(crop, header.layout.width, header.layout.height);
  out.resize(crop.width, crop.height);
  if (impl_->count(impl_->fast.decode(jpeg, header, crop, out.view()))) return;
  impl_->decode_with_libjpeg(jpeg, crop, out);
}

void Decoder::decode_rows(const Layout& layout, const SplicePlan& plan, Bytes header, Bytes rows,
                          const image::Rect& crop, Pixels& out) {
  const Header parsed = read_header(header);
  out.resize(crop.width, crop.height);
  // The plan holds for `layout`: a header that says otherwise is not followed into other rows.
  if (impl_->count(parsed.layout == layout
                       ? impl_->fast.decode_rows(plan, header, parsed, rows, crop, out.view())
                       : FastDecoder::Outcome::unsupported)) {
    return;
  }
  splice(layout, plan, header, parsed.size_offset, rows, impl_->spliced);
  impl_->decode_with_libjpeg(impl_->spliced, {crop.x - plan.covered.x, crop.y - plan.covered.y, crop.width, crop.height},
                             out);
}

std::string decoder_version() { return libjpeg_version(); }

}  // namespace fastload::jpeg
