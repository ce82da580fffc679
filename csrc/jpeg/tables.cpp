#include "jpeg/tables.hpp"

#include <algorithm>

#include "jpeg/huffman.hpp"
#include "jpeg/markers.hpp"

namespace fastload::jpeg {
namespace {

// The segments that libjpeg passes over, or reads as read() does. It rejects all others.
bool is_known(int marker) {
  return is_sof(marker) || is_skipped(marker) || marker == kDHT || marker == kDQT || marker == kDRI ||
         marker == kSOS;
}

}  // namespace

bool ScanTables::read_quantisers(Bytes segment) {
  for (size_t at = 0; at < segment.size();) {
    const int wide = segment[at] >> 4, slot = segment[at] & 15;
    const size_t bytes = 64 * static_cast<size_t>(wide + 1);
    if (wide > 1 || slot > 3 || segment.size() - at - 1 < bytes) return false;
    const uint8_t* from = &segment[at] + 1;
    for (int k = 0; k < 64; ++k) {
      quantisers[slot][kNaturalOrder[k]] =
          static_cast<uint16_t>(wide ? from[2 * k] << 8 | from[2 * k + 1] : from[k]);
    }
    quantiser_defined[slot] = true;
    at += 1 + bytes;
  }
  return true;
}

bool ScanTables::read_codes(Bytes segment) {
  for (size_t at = 0; at < segment.size();) {
    const int kind = segment[at] >> 4, slot = segment[at] & 15;
    if (kind > 1 || slot > 3 || segment.size() - at < 17) return false;
    HuffmanSpec& code = (kind == 0 ? dc : ac)[slot];
    code = {};
    size_t total = 0;
    for (size_t length = 1; length <= 16; ++length) total += code.counts[length] = segment[at + length];
    at += 17;
    if (total > 256 || segment.size() - at < total) return false;
    std::copy_n(segment.begin() + static_cast<ptrdiff_t>(at), total, code.symbols.begin());
    code.defined = true;
    at += total;
  }
  return true;
}

// The scan's components must be the frame's in the frame's order, each with its own id, and must be coded in
// full.
bool ScanTables::read_scan(Bytes segment, const uint8_t* ids, int components) {
  if (segment.size() != 4 + 2 * static_cast<size_t>(components)) return false;
  for (int c = 0; c < components; ++c) {
    const size_t entry = 1 + 2 * static_cast<size_t>(c);
    Selection& selection = selections[c];
    selection.dc = segment[entry + 1] >> 4;
    selection.ac = segment[entry + 1] & 15;
    if (segment[entry] != ids[c] || std::count(ids, ids + components, ids[c]) != 1) return false;
    if (selection.quantiser > 3 || !quantiser_defined[selection.quantiser]) return false;
    if (selection.dc > 3 || !dc[selection.dc].defined) return false;
    if (selection.ac > 3 || !ac[selection.ac].defined) return false;
  }
  const uint8_t* progression = &segment[1 + 2 * static_cast<size_t>(components)];
  return progression[0] == 0 && progression[1] == 63 && progression[2] == 0;
}

bool ScanTables::read(Bytes jpeg, const Header& header) {
  const int components = header.layout.components;
  if (header.process != Process::baseline || components > kMostComponents) return false;
  uint8_t ids[kMostComponents] = {};
  size_t at = 2;
  // The same walk as read_header(), which has checked that the segments lie inside.
  for (;;) {
    while (jpeg[at] != 0xFF) ++at;
    while (jpeg[at + 1] == 0xFF) ++at;
    const int marker = jpeg[at + 1];
    if (marker == 0x00 || marker == kTEM || is_rst(marker)) {
      at += 2;
      continue;
    }
    const size_t length = static_cast<size_t>(jpeg[at + 2] << 8 | jpeg[at + 3]);
    if (length < 2) return false;
    const Bytes segment = jpeg.subspan(at + 4, length - 2);
    if (!is_known(marker)) return false;
    if (marker == kDQT && !read_quantisers(segment)) return false;
    if (marker == kDHT && !read_codes(segment)) return false;
    if (marker == kDRI && segment.size() != 2) return false;
    if (is_sof(marker)) {
      if (segment.size() != 6 + 3 * static_cast<size_t>(components)) return false;
      for (int c = 0; c < components; ++c) {
        const size_t entry = 6 + 3 * static_cast<size_t>(c);
        ids[c] = segment[entry];
        selections[c].quantiser = segment[entry + 2];
      }
    }
    if (marker == kSOS) return read_scan(segment, ids, components);
    at += 2 + length;
  }
}

}  // namespace fastload::jpeg
