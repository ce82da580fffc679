// The entropy stage: from the bytes of a scan to quantised coefficients, one MCU row after the other.
#pragma once

#include <hwy/aligned_allocator.h>

#include <vector>

#include "jpeg/block_row.hpp"
#include "jpeg/entry_points.hpp"
#include "jpeg/lockstep.hpp"
#include "jpeg/splice.hpp"
#include "jpeg/table_cache.hpp"

namespace fastload::jpeg {

// Keeps its memory, and the decoding tables while the code stays the same, from one image to the next.
class EntropyDecoder {
 public:
  // Takes over the tables in `header_bytes` (a JPEG up to its scan, of which `header` is the summary). False
  // if the JPEG does not belong to the fast subset, or if its tables are damaged.
  bool open(Bytes header_bytes, const Header& header);

  // By component, as the scan is laid out: a single component has factors of 1.
  [[nodiscard]] const Component* components() const { return components_; }
  [[nodiscard]] const Layout& layout() const { return layout_; }

  // Begins on the rectangle of MCUs that `plan` says. `data`: the entropy-coded bytes from the MCU row
  // `data_row` on, which must be 0 unless layout.rows_are_segments() or `grid` has entry points. The plan's
  // interval is the grid's, else the restart interval where that divides the rows, else the whole row. Data
  // and grid must stay until the last next().
  void begin(const SplicePlan& plan, Bytes data, int data_row, const EntryGrid& grid = {});

  // The rectangle's next MCU row, by component. It stays valid until the next call. False if the data are not
  // as the standard wants them: libjpeg may still decode them.
  bool next(BlockRow* rows);

 private:
  struct Plane {
    hwy::AlignedFreeUniquePtr<int16_t[]> blocks;
    std::vector<uint8_t> last;
    size_t capacity = 0;  // blocks
  };

  void reserve(size_t bytes);
  void lay_out_band();
  bool decode_band();
  bool decode_segments();
  bool scan_segments(uint8_t*& to);
  bool enter_segments(uint8_t*& to);
  bool enter(int row, int segment, uint8_t*& to);
  bool decode_serial();

  Layout layout_;
  ScanTables tables_;
  Component components_[kMostComponents];
  CachedTable<DcTable> dc_[4];
  CachedTable<AcTable> ac_[4];
  const DcTable* dc_of_[kMostComponents];
  const AcTable* ac_of_[kMostComponents];

  SplicePlan plan_;                     // the rectangle
  int column_begin_ = 0, columns_ = 0;  // of it, MCUs
  int row_ = 0;                         // the next to decode
  bool parallel_ = false;               // segments can be found without decoding those before them
  EntryGrid grid_;                      // where they are found, if not by their markers
  int data_row_ = 0;                    // the grid's first row
  const uint8_t *at_ = nullptr, *end_ = nullptr;
  int64_t segment_ = 0;  // index of the restart segment that begins at at_

  // The band of MCU rows that is decoded at a time.
  int band_rows_ = 1, band_begin_ = 0, band_end_ = 0, given_ = 0;
  Plane planes_[kMostComponents];
  std::vector<Slot> slots_;
  Scan scan_;
  std::vector<Stream> streams_;
  Stream serial_;
  int64_t serial_left_ = 0;                     // MCUs of its segment
  hwy::AlignedFreeUniquePtr<uint8_t[]> bytes_;  // without stuffing
  size_t bytes_capacity_ = 0;
};

}  // namespace fastload::jpeg
