#include "jpeg/write_header.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "jpeg/markers.hpp"

namespace fastload::jpeg {
namespace {

class SegmentWriter {
 public:
  void marker(int code) {
    u8(0xFF);
    u8(code);
  }
  void begin(int code) {
    marker(code);
    length_at_ = bytes.size();
    u16(0);
  }
  void end() {
    const size_t length = bytes.size() - length_at_;
    bytes[length_at_] = static_cast<uint8_t>(length >> 8);
    bytes[length_at_ + 1] = static_cast<uint8_t>(length);
  }
  void u8(int value) { bytes.push_back(static_cast<uint8_t>(value)); }
  void u16(int value) {
    u8(value >> 8);
    u8(value);
  }
  void text(std::string_view characters) { bytes.insert(bytes.end(), characters.begin(), characters.end()); }

  std::vector<uint8_t> bytes;

 private:
  size_t length_at_ = 0;
};

void write_jfif(SegmentWriter& out, const Density& density) {
  out.begin(kAPP0);
  out.text({"JFIF\0\1\1", 7});
  out.u8(density.unit);
  out.u16(density.x);
  out.u16(density.y);
  out.u16(0);  // no thumbnail
  out.end();
}

void write_adobe_rgb(SegmentWriter& out) {
  out.begin(kAPP0 + 14);
  out.text("Adobe");
  out.u16(100);  // version
  out.u16(0);
  out.u16(0);
  out.u8(0);  // no transform
  out.end();
}

// For readers that show photographs upright: a big-endian TIFF with the one tag.
void write_exif(SegmentWriter& out, int orientation) {
  out.begin(kAPP0 + 1);
  out.text({"Exif\0\0MM\0\x2A\0\0\0\x08", 14});
  out.u16(1);  // entry: tag, type SHORT, count, value
  out.u16(0x0112);
  out.u16(3);
  out.u16(0);
  out.u16(1);
  out.u16(orientation);
  out.u16(0);
  out.u16(0);  // no other directory
  out.u16(0);
  out.end();
}

using QuantizationTables = std::vector<std::array<uint16_t, kBlockSize>>;

// Returns whether baseline allows the table: 8-bit values.
bool write_quantization(SegmentWriter& out, size_t id, const QuantizationTables::value_type& table) {
  const bool wide = *std::max_element(table.begin(), table.end()) > 255;
  out.begin(kDQT);
  out.u8((wide ? 0x10 : 0) | static_cast<int>(id));
  for (const uint8_t position : kZigzag) wide ? out.u16(table[position]) : out.u8(table[position]);
  out.end();
  return !wide;
}

void write_huffman(SegmentWriter& out, int class_and_id, const HuffmanCode& code) {
  out.begin(kDHT);
  out.u8(class_and_id);
  for (int length = 1; length <= kLongestCode; ++length) out.u8(code.counts[static_cast<size_t>(length)]);
  for (int k = 0; k < code.size(); ++k) out.u8(code.symbols[static_cast<size_t>(k)]);
  out.end();
}

}  // namespace

std::vector<uint8_t> write_header(const Coefficients& image, const std::array<HuffmanCode, kTables>& codes,
                                  int orientation) {
  const Layout& layout = image.layout;
  const bool rgb = image.color_space == ColorSpace::rgb;
  SegmentWriter out;
  out.marker(kSOI);
  rgb ? write_adobe_rgb(out) : write_jfif(out, image.density);
  if (orientation != 1) write_exif(out, orientation);

  // Each distinct table once: files exist in which two slots hold the same, or a slot changes between scans.
  QuantizationTables tables;
  std::vector<size_t> table_of;
  bool baseline = true;
  for (const Plane& plane : image.planes) {
    const auto found = std::find(tables.begin(), tables.end(), plane.quantization);
    table_of.push_back(static_cast<size_t>(found - tables.begin()));
    if (found != tables.end()) continue;
    baseline &= write_quantization(out, tables.size(), plane.quantization);
    tables.push_back(plane.quantization);
  }

  constexpr std::string_view kRgbIds = "RGB";
  auto id = [&](size_t c) { return rgb ? kRgbIds[c] : static_cast<int>(c) + 1; };
  out.begin(baseline ? kSOF0 : kSOF0 + 1);
  out.u8(8);  // bits a sample
  out.u16(layout.height);
  out.u16(layout.width);
  out.u8(layout.components);
  for (size_t c = 0; c < image.planes.size(); ++c) {
    out.u8(id(c));
    out.u8(layout.h[c] << 4 | layout.v[c]);
    out.u8(static_cast<int>(table_of[c]));
  }
  out.end();

  write_huffman(out, 0x00, codes[kDcFirst]);
  write_huffman(out, 0x10, codes[kAcFirst]);
  if (layout.components > 1) {
    write_huffman(out, 0x01, codes[kDcOther]);
    write_huffman(out, 0x11, codes[kAcOther]);
  }
  if (layout.restart_interval > 0) {
    out.begin(kDRI);
    out.u16(layout.restart_interval);
    out.end();
  }

  out.begin(kSOS);
  out.u8(layout.components);
  for (size_t c = 0; c < image.planes.size(); ++c) {
    out.u8(id(c));
    out.u8(c == 0 ? 0x00 : 0x11);
  }
  out.u8(0);  // all 64 coefficients, full precision
  out.u8(kBlockSize - 1);
  out.u8(0);
  out.end();
  return std::move(out.bytes);
}

}  // namespace fastload::jpeg
