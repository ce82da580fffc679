#include "jpeg/transcode.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "jpeg/encode.hpp"
#include "jpeg/find_entry_points.hpp"
#include "jpeg/markers.hpp"
#include "jpeg/read_coefficients.hpp"
#include "jpeg/retokenize.hpp"

namespace fastload::jpeg {
namespace {

// A complete progressive file may lack refinement scans. libjpeg then smooths between blocks when it decodes
// (jdcoefct.c), so that the same coefficients in a baseline file would give other pixels.
bool decoder_would_smooth(const jpeg_decompress_struct& info) {
  if (info.progressive_mode == 0 || info.coef_bits == nullptr) return false;
  for (int c = 0; c < info.num_components; ++c) {
    for (int k = 0; k < DCTSIZE2; ++k) {
      if (info.coef_bits[c][k] != 0) return true;
    }
  }
  return false;
}

// libjpeg upsamples by whole factors only (jdsample.c), so 3:2 and the like have coefficients, but no pixels.
bool has_pixels(const Layout& layout) {
  for (int c = 0; c < layout.components; ++c) {
    if (layout.components > 1 && (layout.max_h() % layout.h[c] != 0 || layout.max_v() % layout.v[c] != 0)) {
      return false;
    }
  }
  return true;
}

// Fills in where the rows of the source's bytes may be entered. False if decoding them did not prove it.
bool find_entries(Bytes jpeg, StoredJpeg& stored) {
  thread_local EntryPointFinder finder;
  std::optional<FoundRows> found = finder.find(jpeg, stored.header);
  if (!found) return false;
  stored.row_offsets = std::move(found->row_offsets);
  stored.entry_points = std::move(found->entry_points);
  return true;
}

// Without libjpeg, which is slower: a flawless JPEG of the fast subset, written anew. Nothing for others.
std::optional<EncodedJpeg> rewrite(Bytes jpeg, const Header& source, const Decompressor& in) {
  thread_local Retokenizer retokenizer;
  ScanTables tables;
  if (!tables.read(jpeg, source)) return std::nullopt;
  Coefficients frame = read_frame(in);
  frame.layout.restart_interval = choose_restart_interval(frame.layout.mcu_columns());
  const std::optional<Tokens> tokens = retokenizer.run(jpeg, source, tables, frame.layout);
  if (!tokens) return std::nullopt;
  for (size_t c = 0; c < frame.planes.size(); ++c) {
    std::copy_n(tables.quantisers[tables.selections[c].quantiser], kBlockSize,
                frame.planes[c].quantization.data());
  }
  return encode(frame, *tokens, {.orientation = source.orientation});
}

// What keeps these coefficients from being rewritten; empty if nothing does.
std::string_view find_obstacle(const Coefficients& image, bool smooth) {
  if (smooth) return "progressive without its last refinement scans, which libjpeg smooths when it decodes";
  if (image.layout.blocks_in_mcu() > kMostBlocksInMcu) return "more than 10 blocks in an MCU";
  return "";
}

}  // namespace

int choose_restart_interval(int columns) {
  // Short segments make tight crops, each costs about 4.5 bytes. Measured on 900 ImageNet files (bytes
  // against whole-row segments): 4..8 MCUs +0.97%, 16..32 MCUs +0.22%. Where no divisor lies in 4..8 the next
  // larger one.
  constexpr int kFewest = 4, kMost = 8;
  for (int interval = kMost; interval >= kFewest; --interval) {
    if (columns % interval == 0) return interval;
  }
  int interval = kMost;
  while (interval < columns && columns % interval != 0) ++interval;
  return interval < columns ? interval : columns;
}

std::vector<uint32_t> find_rows(Bytes jpeg, const Header& header) {
  const Layout& layout = header.layout;
  if (header.process != Process::baseline || !layout.rows_are_segments()) return {};
  const int per_row = layout.mcu_columns() / layout.restart_interval;
  const int64_t segments = static_cast<int64_t>(per_row) * layout.mcu_rows();
  std::vector<uint32_t> rows{static_cast<uint32_t>(header.entropy_offset)};
  rows.reserve(static_cast<size_t>(layout.mcu_rows()) + 1);
  const uint8_t* const end = jpeg.data() + jpeg.size();
  const uint8_t* at = jpeg.data() + header.entropy_offset;
  for (int64_t segment = 0; segment < segments;) {
    at = static_cast<const uint8_t*>(std::memchr(at, 0xFF, static_cast<size_t>(end - at)));
    if (at == nullptr || at + 1 >= end) return {};
    const int marker = at[1];
    if (marker == 0x00) {
      at += 2;
      continue;
    }
    ++segment;
    const bool last = segment == segments;
    if (last ? marker != kEOI : marker != kRST0 + ((segment - 1) & 7)) return {};
    if (last) {
      rows.push_back(static_cast<uint32_t>(at - jpeg.data()));
    } else {
      at += 2;
      if (segment % per_row == 0) rows.push_back(static_cast<uint32_t>(at - jpeg.data()));
    }
  }
  return rows;
}

StoredJpeg transcode(Bytes jpeg, const TranscodeOptions& options) {
  const Header source = read_header(jpeg);
  if (source.layout.components != 1 && source.layout.components != 3) {
    throw Error(ErrorKind::jpeg, "JPEG of " + std::to_string(source.layout.components) + " components (" +
                                     name(source.color_space) + ") must be converted to RGB first");
  }
  if (!has_pixels(source.layout)) {
    throw Error(ErrorKind::jpeg, "JPEG with fractional chroma sampling, which libjpeg does not decode");
  }
  StoredJpeg stored;
  stored.header = source;
  stored.source = source.process;
  Decompressor in;
  in.open(jpeg);
  std::optional<EncodedJpeg> encoded;
  std::string obstacle;  // to rewriting
  // Of bytes that are kept it must be known that they decode, and a pass that finds entry points has shown
  // it.
  const bool entered = options.verbatim && find_entries(jpeg, stored);
  if (!options.verbatim) encoded = rewrite(jpeg, source, in);
  stored.fast = entered || encoded;
  if (!stored.fast) {
    Coefficients image = read_coefficients(in);
    const bool smooth = decoder_would_smooth(in.info);
    stored.truncated = in.errors.data_missing || (in.errors.input_ended && smooth);
    if (stored.truncated && !options.keep_truncated) {
      throw Error(ErrorKind::truncated_jpeg, "truncated JPEG: the data end before the image is complete (" +
                                                 std::to_string(jpeg.size()) + " bytes)");
    }
    obstacle = find_obstacle(image, smooth);
    if (!options.verbatim && obstacle.empty()) {
      image.layout.restart_interval = choose_restart_interval(image.layout.mcu_columns());
      encoded = encode(image, {.orientation = source.orientation});
      if (!encoded) obstacle = "coefficients larger than baseline can hold";
    }
  }
  if (in.errors.warnings > 0) {
    stored.notes.push_back((stored.truncated ? "truncated: " : "libjpeg warns: ") +
                           std::string(in.errors.message));
  }
  stored.rewritten = encoded.has_value();
  if (encoded) {
    stored.bytes = std::move(encoded->bytes);
    stored.row_offsets = std::move(encoded->row_offsets);
    stored.header = read_header(stored.bytes);
    if (source.process != Process::baseline) {
      stored.notes.push_back(std::string(name(source.process)) + " -> baseline");
    }
  } else {
    stored.bytes.assign(jpeg.begin(), jpeg.end());
    if (!entered && (options.verbatim || !find_entries(jpeg, stored))) {
      stored.row_offsets = find_rows(jpeg, source);
    }
    if (!options.verbatim) stored.notes.push_back("kept verbatim: " + obstacle);
  }
  return stored;
}

}  // namespace fastload::jpeg
