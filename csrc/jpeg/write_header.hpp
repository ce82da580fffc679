// The marker segments before a baseline scan (ITU-T T.81, annex B; JFIF 1.02; Adobe TN 5116; EXIF 2.32).
#pragma once

#include <array>

#include "jpeg/coefficients.hpp"
#include "jpeg/huffman_code.hpp"
#include "jpeg/tokens.hpp"

namespace fastload::jpeg {

// SOI to SOS. The colour space is said so that every reader agrees: JFIF for gray and YCbCr, Adobe's
// transform 0 and the component ids R, G, B for RGB. An orientation other than 1 becomes a minimal EXIF
// segment.
std::vector<uint8_t> write_header(const Coefficients& image, const std::array<HuffmanCode, kTables>& codes,
                                  int orientation);

}  // namespace fastload::jpeg
