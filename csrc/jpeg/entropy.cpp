#include "jpeg/entropy.hpp"

#include <algorithm>
#include <limits>

#include "jpeg/markers.hpp"
#include "jpeg/segments.hpp"

namespace fastload::jpeg {
namespace {

constexpr int kMostBlocksInMcu = 10;  // T.81, B.2.3
constexpr int kLargestSide = 65500;   // libjpeg's JPEG_MAX_DIMENSION

// Enough segments for the lanes, and few enough coefficients for the cache.
constexpr int kSegmentsInBand = 12;

// What libjpeg decodes.
bool supported(const Layout& layout) {
  if (layout.width > kLargestSide || layout.height > kLargestSide) return false;
  int blocks = 0;
  for (int c = 0; c < layout.components; ++c) blocks += layout.h[c] * layout.v[c];
  return blocks <= kMostBlocksInMcu;
}

Stream make_stream(const uint8_t* data, const uint8_t* end) {
  Stream stream;
  stream.end = end;
  start(stream.lane, data, 0);
  return stream;
}

}  // namespace

template <class Table>
const Table* EntropyDecoder::built(const HuffmanSpec& code, Built<Table>& slot) {
  if (!slot.valid || slot.code != code) {
    slot.valid = build(code, slot.table);
    slot.code = code;
  }
  return slot.valid ? &slot.table : nullptr;
}

bool EntropyDecoder::open(Bytes header_bytes, const Header& header) {
  layout_ = header.layout;
  if (layout_.components == 1) layout_.h[0] = layout_.v[0] = 1;
  tables_ = {};
  if (!tables_.read(header_bytes, header) || !supported(layout_)) return false;
  for (int c = 0; c < layout_.components; ++c) {
    const ScanTables::Selection& selection = tables_.selections[c];
    components_[c] = {layout_.h[c], layout_.v[c], tables_.quantisers[selection.quantiser]};
    dc_of_[c] = built(tables_.dc[selection.dc], dc_[selection.dc]);
    ac_of_[c] = built(tables_.ac[selection.ac], ac_[selection.ac]);
    if (dc_of_[c] == nullptr || ac_of_[c] == nullptr) return false;
  }
  return true;
}

void EntropyDecoder::begin(const SplicePlan& plan, Bytes data, int data_row) {
  parallel_ = layout_.rows_are_segments();
  const int interval = layout_.restart_interval;
  column_begin_ = parallel_ ? plan.segment_begin * interval : 0;
  const int column_end = parallel_ ? plan.segment_end * interval : layout_.mcu_columns();
  columns_ = column_end - column_begin_;
  row_ = data_row;
  first_row_ = plan.row_begin;
  row_end_ = plan.row_end;
  band_begin_ = band_end_ = given_ = first_row_;
  at_ = data.data();
  end_ = at_ + data.size();
  band_rows_ = 1;
  if (parallel_) {
    const int across = plan.segment_end - plan.segment_begin;
    band_rows_ = std::min((kSegmentsInBand + across - 1) / across, row_end_ - first_row_);
    segment_ = static_cast<int64_t>(data_row) * (layout_.mcu_columns() / interval);
  } else {
    segment_ = 0;
    serial_left_ = 0;
  }
  reserve(data.size() + kCopySlack + kOverread);
  lay_out_band();
}

void EntropyDecoder::reserve(size_t bytes) {
  if (bytes <= bytes_capacity_) return;
  bytes_capacity_ = bytes + bytes / 2;
  bytes_ = hwy::AllocateAligned<uint8_t>(bytes_capacity_);
}

void EntropyDecoder::lay_out_band() {
  slots_.clear();
  for (int c = 0; c < layout_.components; ++c) {
    Plane& plane = planes_[c];
    const ptrdiff_t h = layout_.h[c], v = layout_.v[c], across = columns_ * h;
    const size_t blocks = static_cast<size_t>(across * v * band_rows_);
    if (blocks > plane.capacity) {
      plane.capacity = blocks + blocks / 2;
      plane.blocks = hwy::AllocateAligned<int16_t>(64 * plane.capacity);
      plane.last.resize(plane.capacity);
    }
    scan_.components[c] = {plane.blocks.get(), plane.last.data(), h, across * v};
    for (ptrdiff_t y = 0; y < v; ++y) {
      for (ptrdiff_t x = 0; x < h; ++x) slots_.push_back({y * across + x, c, dc_of_[c], ac_of_[c]});
    }
  }
  scan_.component_count = layout_.components;
  scan_.slots = slots_.data();
  scan_.slots_end = slots_.data() + slots_.size();
}

bool EntropyDecoder::next(BlockRow* rows) {
  if (given_ == band_end_ && !decode_band()) return false;
  for (int c = 0; c < layout_.components; ++c) {
    const Blocks& plane = scan_.components[c];
    const ptrdiff_t first = (given_ - band_begin_) * plane.down;
    rows[c] = {plane.blocks + 64 * first, plane.last + first, columns_ * layout_.h[c], layout_.v[c]};
  }
  ++given_;
  return true;
}

bool EntropyDecoder::decode_band() {
  band_begin_ = band_end_;
  band_end_ = std::min(band_begin_ + band_rows_, row_end_);
  if (parallel_) return decode_segments(band_end_ - band_begin_);
  for (; row_ < band_end_; ++row_) {
    if (!decode_serial()) return false;  // rows above the rectangle are overwritten by those behind
  }
  return true;
}

// The RST behind a segment, whose numbers go round in eights.
bool EntropyDecoder::pass_marker(int64_t segment) {
  if (end_ - at_ < 2 || at_[1] != kRST0 + (segment & 7)) return false;
  at_ += 2;
  return true;
}

bool EntropyDecoder::decode_segments(int rows) {
  const int interval = layout_.restart_interval, per_row = layout_.mcu_columns() / interval;
  const int64_t last_wanted =
      static_cast<int64_t>(row_end_ - 1) * per_row + (column_begin_ + columns_) / interval - 1;
  streams_.clear();
  uint8_t* to = bytes_.get();
  for (; row_ < band_begin_ + rows; ++row_) {
    for (int x = 0; x < layout_.mcu_columns(); x += interval) {
      const int column = x - column_begin_;
      if (row_ >= band_begin_ && column >= 0 && column < columns_) {
        const uint8_t* const from = to;
        if (!copy_segment(at_, end_, to)) return false;
        place(scan_, streams_.emplace_back(make_stream(from, to)), row_ - band_begin_, column, interval);
        if (segment_ == last_wanted) break;
      } else {
        at_ = skip_segment(at_, end_);
      }
      if (!pass_marker(segment_++)) return false;
    }
  }
  std::memset(to, 0, kOverread);
  return decode(scan_, streams_.data(), static_cast<int>(streams_.size()));
}

// One MCU row of a scan whose segments, if it has several, begin anywhere.
bool EntropyDecoder::decode_serial() {
  for (int column = 0; column < columns_;) {
    if (serial_left_ == 0) {
      if (segment_ > 0 && !pass_marker(segment_ - 1)) return false;
      ++segment_;
      uint8_t* to = bytes_.get();
      if (!copy_segment(at_, end_, to)) return false;
      std::memset(to, 0, kOverread);
      serial_ = make_stream(bytes_.get(), to);
      serial_left_ =
          layout_.restart_interval > 0 ? layout_.restart_interval : std::numeric_limits<int64_t>::max();
    }
    const int mcus = static_cast<int>(std::min<int64_t>(columns_ - column, serial_left_));
    place(scan_, serial_, 0, column, mcus);
    if (!decode(scan_, &serial_, 1)) return false;
    column += mcus;
    serial_left_ -= mcus;
  }
  return true;
}

}  // namespace fastload::jpeg
