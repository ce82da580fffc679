// Entry points of a JPEG that has none: one pass over its Huffman codes, which proves on the way that they
// decode.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "jpeg/entry_points.hpp"
#include "jpeg/header.hpp"
#include "jpeg/skip_table.hpp"
#include "jpeg/table_cache.hpp"

namespace fastload::jpeg {

struct FoundRows {
  std::vector<uint32_t> row_offsets;  // as in StoredJpeg
  EntryPoints entry_points;           // none if the rows begin with restarts
};

// Keeps its memory, and the tables while the code stays the same, from one image to the next. One per thread.
class EntryPointFinder {
 public:
  // `header` is the JPEG's. Nothing unless the fast decoder takes the image, every MCU decodes by the
  // standard's rules, the markers are in order and EOI follows without a byte between; nor where an entry
  // point would have a position or a predictor that EntryPoint cannot hold.
  std::optional<FoundRows> find(Bytes jpeg, const Header& header);

 private:
  CachedTable<DcTable> dc_[4];
  CachedTable<SkipTable> ac_[4];
  std::vector<uint8_t> buffer_;  // a restart segment without stuffing
};

// MCUs from an entry point to the next one in a row.
int choose_entry_interval(const Layout& layout);

}  // namespace fastload::jpeg
