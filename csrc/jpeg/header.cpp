#include "jpeg/header.hpp"

#include <cstring>
#include <string>

#include "error.hpp"
#include "jpeg/markers.hpp"

namespace fastload::jpeg {
namespace {

[[noreturn]] void fail(const std::string& what, size_t offset) {
  throw Error(ErrorKind::jpeg, what + " at byte " + std::to_string(offset));
}

int u16(Bytes b, size_t at) { return b[at] << 8 | b[at + 1]; }

// EXIF orientation: TIFF header, then IFD0's entries of 12 bytes (EXIF 2.32, 4.6). Damaged EXIF counts as
// none.
int exif_orientation(Bytes exif) {
  constexpr int kNone = 1;
  if (exif.size() < 14 || std::memcmp(exif.data(), "Exif\0\0", 6) != 0) return kNone;
  const Bytes tiff = exif.subspan(6);
  const bool little = tiff[0] == 'I';
  auto value = [&](size_t at, int bytes) -> uint32_t {
    uint32_t result = 0;
    for (int k = 0; k < bytes; ++k) {
      result |= static_cast<uint32_t>(tiff[at + k]) << (8 * (little ? k : bytes - 1 - k));
    }
    return result;
  };
  const size_t ifd = value(4, 4);
  if (ifd > tiff.size() || tiff.size() - ifd < 2) return kNone;
  const uint32_t entries = value(ifd, 2);
  for (uint32_t k = 0; k < entries; ++k) {
    const size_t entry = ifd + 2 + 12 * static_cast<size_t>(k);
    if (entry + 12 > tiff.size()) return kNone;
    if (value(entry, 2) != 0x0112) continue;
    const int orientation = static_cast<int>(value(entry + 8, 2));
    return orientation >= 1 && orientation <= 8 ? orientation : kNone;
  }
  return kNone;
}

struct Adobe {
  bool seen = false;
  int transform = 0;
};

ColorSpace judge_color_space(int components, const uint8_t* ids, bool jfif, Adobe adobe) {
  switch (components) {
    case 1:
      return ColorSpace::gray;
    case 3:
      if (jfif) return ColorSpace::ycbcr;
      if (adobe.seen) return adobe.transform == 0 ? ColorSpace::rgb : ColorSpace::ycbcr;
      return ids[0] == 'R' && ids[1] == 'G' && ids[2] == 'B' ? ColorSpace::rgb : ColorSpace::ycbcr;
    case 4:
      return adobe.seen && adobe.transform != 0 ? ColorSpace::ycck : ColorSpace::cmyk;
    default:
      return ColorSpace::unknown;
  }
}

Process process_of(int sof) {
  switch (sof) {
    case 0xC0:
    case 0xC1:
      return Process::baseline;
    case 0xC2:
      return Process::progressive;
    default:
      return Process::arithmetic;  // SOF9, SOF10
  }
}

void read_frame(Bytes segment, size_t at, int sof, Header& header, uint8_t* ids) {
  if (sof != 0xC0 && sof != 0xC1 && sof != 0xC2 && sof != 0xC9 && sof != 0xCA) {
    fail("JPEG process SOF" + std::to_string(sof - 0xC0) + " (lossless or hierarchical) is not supported,",
         at);
  }
  if (segment.size() < 6) fail("SOF is too short", at);
  if (segment[0] != 8) fail("JPEG of " + std::to_string(segment[0]) + "-bit samples is not supported,", at);
  Layout& layout = header.layout;
  layout.height = u16(segment, 1);
  layout.width = u16(segment, 3);
  layout.components = segment[5];
  header.process = process_of(sof);
  header.size_offset = at + 4 + 1;  // past marker, length and precision
  if (layout.width == 0 || layout.height == 0) fail("JPEG without width or height", at);
  if (layout.components < 1 || layout.components > 4) fail("JPEG of more than 4 components", at);
  if (segment.size() < 6 + 3 * static_cast<size_t>(layout.components)) fail("SOF is too short", at);
  for (int c = 0; c < layout.components; ++c) {
    const size_t entry = 6 + 3 * static_cast<size_t>(c);
    ids[c] = segment[entry];
    layout.h[c] = segment[entry + 1] >> 4;
    layout.v[c] = segment[entry + 1] & 15;
    if (layout.h[c] < 1 || layout.h[c] > 4 || layout.v[c] < 1 || layout.v[c] > 4) {
      fail("sampling factor outside 1..4", at);
    }
  }
}

}  // namespace

Header read_header(Bytes jpeg) {
  if (jpeg.empty()) throw Error(ErrorKind::jpeg, "empty file (0 bytes) instead of a JPEG");
  if (jpeg.size() < 4 || jpeg[0] != 0xFF || jpeg[1] != kSOI) {
    throw Error(ErrorKind::jpeg, "not a JPEG: it does not begin with the bytes FF D8");
  }
  Header header;
  uint8_t ids[4] = {};
  bool frame = false, jfif = false;
  Adobe adobe;
  size_t at = 2;
  for (;;) {
    // Like libjpeg's next_marker: bytes that belong to no marker are passed over, fill bytes (FF FF) too.
    while (at < jpeg.size() && jpeg[at] != 0xFF) ++at;
    while (at + 1 < jpeg.size() && jpeg[at + 1] == 0xFF) ++at;
    if (at + 4 > jpeg.size()) fail("JPEG ends before its first scan,", jpeg.size());
    const int marker = jpeg[at + 1];
    if (marker == 0x00 || marker == kTEM || is_rst(marker)) {
      at += 2;
      continue;
    }
    if (marker == kEOI || marker == kSOI) fail("JPEG without a scan: unexpected marker", at);
    const size_t length = static_cast<size_t>(u16(jpeg, at + 2));
    if (length < 2 && is_skipped(marker)) {  // libjpeg goes on behind the length
      at += 4;
      continue;
    }
    if (length < 2 || at + 2 + length > jpeg.size()) fail("JPEG breaks off inside a marker segment", at);
    const Bytes segment = jpeg.subspan(at + 4, length - 2);
    if (is_sof(marker)) {
      if (frame) fail("second SOF", at);
      read_frame(segment, at, marker, header, ids);
      frame = true;
    } else if (marker == kDRI && segment.size() >= 2) {
      header.layout.restart_interval = u16(segment, 0);
    } else if (marker == kAPP0 && segment.size() >= 14 && std::memcmp(segment.data(), "JFIF", 5) == 0) {
      jfif = true;
    } else if (marker == kAPP0 + 1 && header.orientation == 1) {
      header.orientation = exif_orientation(segment);
    } else if (marker == kAPP0 + 14 && segment.size() >= 12 && std::memcmp(segment.data(), "Adobe", 5) == 0) {
      adobe = {true, segment[11]};
    } else if (marker == kSOS) {
      if (!frame) fail("SOS before SOF", at);
      if (segment.empty()) fail("SOS is too short", at);
      if (header.process == Process::baseline && segment[0] != header.layout.components) {
        header.process = Process::multiscan;
      }
      header.color_space = judge_color_space(header.layout.components, ids, jfif, adobe);
      header.entropy_offset = at + 2 + length;
      return header;
    }
    at += 2 + length;
  }
}

const char* name(Process process) {
  static constexpr const char* kNames[] = {"baseline", "multiscan", "progressive", "arithmetic"};
  return kNames[static_cast<int>(process)];
}

const char* name(ColorSpace color_space) {
  static constexpr const char* kNames[] = {"gray", "ycbcr", "rgb", "cmyk", "ycck", "unknown"};
  return kNames[static_cast<int>(color_space)];
}

}  // namespace fastload::jpeg
