// A JPEG as it is stored in a shard: the same quantised coefficients, hence the same pixels, coded so that it
// can be entered at every MCU row and every few MCUs within a row.
#pragma once

#include <string>
#include <vector>

#include "jpeg/entry_points.hpp"
#include "jpeg/header.hpp"

namespace fastload::jpeg {

struct StoredJpeg {
  std::vector<uint8_t> bytes;
  Header header;                       // of `bytes`
  std::vector<uint32_t> row_offsets;   // byte offset of each MCU row's entropy-coded data, then of EOI; empty
                                       // if the rows cannot be taken out one by one
  EntryPoints entry_points;            // of rows that do not begin with restarts
  Process source = Process::baseline;  // what the input was
  bool rewritten = false;              // false: the input's own bytes
  bool truncated = false;
  bool fast = false;  // flawless and of the fast subset, so that libjpeg read no more than its header
  std::vector<std::string> notes;  // what was done or seen, for people; empty for an ordinary file
};

struct TranscodeOptions {
  bool verbatim = false;        // keep the bytes; only check that they decode
  bool keep_truncated = false;  // otherwise Error(truncated_jpeg)
};

// Decodes the coefficients of a gray or three-component JPEG of any process and writes them as baseline JPEG
// with optimised Huffman tables, restart markers, and no metadata but JFIF/Adobe and a non-trivial EXIF
// orientation. The few images whose pixels would change, or that baseline cannot hold, keep their bytes and
// get a note. Thread-safe. Throws Error(jpeg) where libjpeg gives up.
StoredJpeg transcode(Bytes jpeg, const TranscodeOptions& options);

// MCUs between restarts for a row of `columns` MCUs: a divisor of it, so that every row starts a segment.
int choose_restart_interval(int columns);

// Byte offsets of the MCU rows, and of the end of the entropy-coded data; empty if the markers are not where
// layout.restart_interval says.
std::vector<uint32_t> find_rows(Bytes jpeg, const Header& header);

}  // namespace fastload::jpeg
