#include "jpeg/entropy.hpp"

#include <algorithm>
#include <limits>

#include "jpeg/markers.hpp"
#include "jpeg/segments.hpp"

namespace fastload::jpeg {
namespace {

constexpr int kLargestSide = 65500;  // libjpeg's JPEG_MAX_DIMENSION

// Enough segments for the lanes, and few enough coefficients for the cache.
constexpr int kSegmentsInBand = 12;

// What libjpeg decodes.
bool supported(const Layout& layout) {
  return layout.width <= kLargestSide && layout.height <= kLargestSide &&
         layout.blocks_in_mcu() <= kMostBlocksInMcu;
}

Stream make_stream(const uint8_t* data, const uint8_t* end, int bit) {
  Stream stream;
  stream.end = end;
  start(stream.lane, data, bit);
  return stream;
}

// The RST behind the restart segment of this index, whose numbers go round in eights.
bool pass_marker(const uint8_t*& at, const uint8_t* end, int64_t segment) {
  if (end - at < 2 || at[0] != 0xFF || at[1] != kRST0 + (segment & 7)) return false;
  at += 2;
  return true;
}

}  // namespace

bool EntropyDecoder::open(Bytes header_bytes, const Header& header) {
  layout_ = header.layout;
  if (layout_.components == 1) layout_.h[0] = layout_.v[0] = 1;
  tables_ = {};
  if (!tables_.read(header_bytes, header) || !supported(layout_)) return false;
  for (int c = 0; c < layout_.components; ++c) {
    const ScanTables::Selection& selection = tables_.selections[c];
    components_[c] = {layout_.h[c], layout_.v[c], tables_.quantisers[selection.quantiser]};
    dc_of_[c] = dc_[selection.dc].get(tables_.dc[selection.dc]);
    ac_of_[c] = ac_[selection.ac].get(tables_.ac[selection.ac]);
    if (dc_of_[c] == nullptr || ac_of_[c] == nullptr) return false;
  }
  return true;
}

void EntropyDecoder::begin(const SplicePlan& plan, Bytes data, int data_row, const EntryGrid& grid) {
  plan_ = plan;
  grid_ = grid;
  parallel_ = grid.interval > 0 || layout_.rows_are_segments();
  column_begin_ = plan.segment_begin * plan.interval;
  columns_ = std::min(plan.segment_end * plan.interval, layout_.mcu_columns()) - column_begin_;
  row_ = data_row_ = data_row;
  band_begin_ = band_end_ = given_ = plan.row_begin;
  at_ = data.data();
  end_ = at_ + data.size();
  band_rows_ = 1;
  size_t shared = 0;
  if (parallel_) {
    const int across = plan.segment_end - plan.segment_begin;
    band_rows_ = std::min((kSegmentsInBand + across - 1) / across, plan.row_end - plan.row_begin);
    segment_ = static_cast<int64_t>(data_row) * (layout_.mcu_columns() / plan.interval);
    shared = kSharedBytes * grid.points.size();
  } else {
    segment_ = 0;
    serial_left_ = 0;
  }
  reserve(data.size() + shared + kCopySlack + kOverread);
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
  band_end_ = std::min(band_begin_ + band_rows_, plan_.row_end);
  if (parallel_) return decode_segments();
  for (; row_ < band_end_; ++row_) {
    if (!decode_serial()) return false;  // rows above the rectangle are overwritten by those behind
  }
  return true;
}

bool EntropyDecoder::decode_segments() {
  streams_.clear();
  uint8_t* to = bytes_.get();
  if (!(grid_.interval > 0 ? enter_segments(to) : scan_segments(to))) return false;
  std::memset(to, 0, kOverread);
  return decode(scan_, streams_.data(), static_cast<int>(streams_.size()));
}

// The band's segments, found by the restart markers.
bool EntropyDecoder::scan_segments(uint8_t*& to) {
  const int interval = plan_.interval, per_row = layout_.mcu_columns() / interval;
  const int64_t last_wanted = static_cast<int64_t>(plan_.row_end - 1) * per_row + plan_.segment_end - 1;
  for (; row_ < band_end_; ++row_) {
    for (int segment = 0; segment < per_row; ++segment) {
      if (row_ >= band_begin_ && segment >= plan_.segment_begin && segment < plan_.segment_end) {
        const uint8_t* const from = to;
        if (!copy_segment(at_, end_, to)) return false;
        place(scan_, streams_.emplace_back(make_stream(from, to, 0)), row_ - band_begin_,
              segment * interval - column_begin_, interval);
        if (segment_ == last_wanted) break;
      } else {
        at_ = skip_segment(at_, end_);
      }
      if (!pass_marker(at_, end_, segment_++)) return false;
    }
  }
  return true;
}

// The same by the entry points.
bool EntropyDecoder::enter_segments(uint8_t*& to) {
  for (; row_ < band_end_; ++row_) {
    if (row_ < band_begin_) continue;
    for (int segment = plan_.segment_begin; segment < plan_.segment_end; ++segment) {
      if (!enter(row_, segment, to)) return false;
    }
  }
  return true;
}

// Restarts may lie within the segment: each begins a stream of its own.
bool EntropyDecoder::enter(int row, int segment, uint8_t*& to) {
  const int columns = layout_.mcu_columns(), restart = layout_.restart_interval;
  const int per_row = points_in_row(columns, grid_.interval);
  const auto place_of = [&](size_t index) {
    const size_t line = index / static_cast<size_t>(per_row);
    return at_ + grid_.row_offsets[line] + grid_.points[index].position() / 8;
  };
  const size_t index =
      static_cast<size_t>(row - data_row_) * static_cast<size_t>(per_row) + static_cast<size_t>(segment);
  const EntryPoint point = grid_.points[index];
  const uint8_t* at = place_of(index);
  const uint8_t* const end =
      index + 1 < grid_.points.size() ? std::min(place_of(index + 1) + kSharedBytes, end_) : end_;
  // An index that another program made may say anything.
  const ptrdiff_t room = bytes_.get() + bytes_capacity_ - to - static_cast<ptrdiff_t>(kCopySlack + kOverread);
  if (at >= end || end - at > room) return false;
  int column = segment * grid_.interval;
  const int column_end = std::min(column + grid_.interval, columns);
  for (bool entered = false; column < column_end; entered = true) {
    const int64_t mcu = static_cast<int64_t>(row) * columns + column;
    if (entered && !pass_marker(at, end, mcu / restart - 1)) return false;
    int mcus = column_end - column;
    if (restart > 0) mcus = static_cast<int>(std::min<int64_t>(mcus, restart - mcu % restart));
    const uint8_t* const from = to;
    if (!copy_segment(at, end, to)) return false;
    Stream& stream =
        streams_.emplace_back(make_stream(from, to, entered ? 0 : static_cast<int>(point.position() % 8)));
    for (int c = 0; c < layout_.components && !entered; ++c) {
      stream.predictions[c] = static_cast<uint32_t>(point.predictor(c));
    }
    place(scan_, stream, row - band_begin_, column - column_begin_, mcus);
    column += mcus;
  }
  return true;
}

// One MCU row of a scan whose segments, if it has several, begin anywhere.
bool EntropyDecoder::decode_serial() {
  for (int column = 0; column < columns_;) {
    if (serial_left_ == 0) {
      if (segment_ > 0 && !pass_marker(at_, end_, segment_ - 1)) return false;
      ++segment_;
      uint8_t* to = bytes_.get();
      if (!copy_segment(at_, end_, to)) return false;
      std::memset(to, 0, kOverread);
      serial_ = make_stream(bytes_.get(), to, 0);
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
