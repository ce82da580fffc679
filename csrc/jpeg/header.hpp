// The marker segments of a JPEG up to its first scan (ITU-T T.81, annex B): what a reader must know before it
// touches entropy-coded data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "jpeg/layout.hpp"

namespace fastload::jpeg {

using Bytes = std::span<const uint8_t>;

enum class Process : uint8_t { baseline, multiscan, progressive, arithmetic };
enum class ColorSpace : uint8_t { gray, ycbcr, rgb, cmyk, ycck, unknown };

struct Header {
  Layout layout;
  Process process = Process::baseline;
  ColorSpace color_space = ColorSpace::unknown;
  int orientation = 1;        // EXIF tag 0x0112, 1..8; 1 where there is none
  size_t size_offset = 0;     // of SOF's height field (2 bytes), which is followed by the width (2 bytes)
  size_t entropy_offset = 0;  // of the first entropy-coded byte
};

// Reads the segments from SOI to the first SOS. Colour space is judged as libjpeg judges it (JFIF, then
// Adobe's transform flag, then component ids). Throws Error(jpeg) for anything that is not a JPEG of 8-bit
// samples, or that breaks off before the first scan.
Header read_header(Bytes jpeg);

const char* name(Process process);
const char* name(ColorSpace color_space);

}  // namespace fastload::jpeg
