#include "cuda/batch_builder.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "error.hpp"
#include "image/resample.hpp"
#include "image/weights.hpp"
#include "jpeg/huffman.hpp"
#include "jpeg/lockstep.hpp"
#include "jpeg/pixel_stage.hpp"

namespace fastload::cuda {
namespace {

constexpr int kLargestSide = 65500;               // libjpeg's JPEG_MAX_DIMENSION
constexpr size_t kMostBytes = size_t{1} << 28;    // so that bits are counted in 32
constexpr int64_t kMostItems = int64_t{1} << 30;  // pixels, MCUs: counted in int

// Places in a block that is not there yet: first sizes are added up, then the block is taken.
class Room {
 public:
  template <class T>
  uint64_t take(size_t count) {
    const uint64_t place = used_;
    used_ += (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return place;
  }
  [[nodiscard]] uint64_t used() const { return used_; }

 private:
  uint64_t used_ = 0;
};

bool reserve(std::atomic<size_t>& used, size_t capacity, size_t bytes, uint64_t& begin) {
  size_t before = used.load();
  do {
    if (bytes > capacity - before) return false;
  } while (!used.compare_exchange_weak(before, before + bytes));
  begin = before;
  return true;
}

// An image's codes, each once.
struct Codes {
  jpeg::CanonicalCode dc[jpeg::kMostComponents], ac[jpeg::kMostComponents];
  int dc_count = 0, ac_count = 0;

  // False if libjpeg would reject one of them.
  bool read(const jpeg::ScanTables& tables, int components, Plane* planes) {
    int dc_slots[jpeg::kMostComponents] = {}, ac_slots[jpeg::kMostComponents] = {};
    for (int c = 0; c < components; ++c) {
      const auto& selection = tables.selections[c];
      const jpeg::HuffmanSpec& dc_code = tables.dc[selection.dc];
      if (!add(selection.dc, dc_code, dc_slots, dc, dc_count, planes[c].dc) || !has_dc_sizes(dc_code) ||
          !add(selection.ac, tables.ac[selection.ac], ac_slots, ac, ac_count, planes[c].ac)) {
        return false;
      }
    }
    return true;
  }

 private:
  static bool add(int slot, const jpeg::HuffmanSpec& code, int* slots, jpeg::CanonicalCode* codes, int& count,
                  uint8_t& which) {
    if (count < 0 || count >= jpeg::kMostComponents) return false;  // each component adds one at most
    which = 0;
    while (which < count && slots[which] != slot) ++which;
    if (which < count) return true;
    slots[count] = slot;
    return assign(code, codes[count++]);
  }
};

bool supported(const jpeg::Layout& layout, jpeg::ColorSpace color) {
  return layout.width <= kLargestSide && layout.height <= kLargestSide &&
         layout.blocks_in_mcu() <= jpeg::kMostBlocksInMcu && jpeg::PixelStage::takes(layout, color);
}

// Whether the plan is one for such a JPEG, its data and the region: kernels rely on it.
bool fits(const jpeg::Layout& layout, const Rows& rows, const image::Rect& region) {
  const jpeg::SplicePlan& plan = rows.plan;
  const image::Rect& covered = plan.covered;
  const int columns = layout.mcu_columns();
  const int interval = rows.grid.interval > 0       ? rows.grid.interval
                       : layout.rows_are_segments() ? layout.restart_interval
                                                    : columns;
  if (plan.interval != interval || plan.segment_begin < 0 || plan.segment_end <= plan.segment_begin ||
      plan.segment_end > jpeg::points_in_row(columns, interval) || plan.row_begin < 0 ||
      plan.row_end <= plan.row_begin || plan.row_end > layout.mcu_rows() || rows.data_row < 0 ||
      rows.data_row > plan.row_begin) {
    return false;
  }
  const int x_end = std::min(plan.segment_end * interval * layout.mcu_width(), layout.width);
  const int y_end = std::min(plan.row_end * layout.mcu_height(), layout.height);
  if (covered.x != plan.segment_begin * interval * layout.mcu_width() ||
      covered.y != plan.row_begin * layout.mcu_height() || covered.x + covered.width != x_end ||
      covered.y + covered.height != y_end) {
    return false;
  }
  const size_t grid_rows = static_cast<size_t>(plan.row_end - plan.row_begin);
  if (rows.grid.interval > 0 &&
      (rows.grid.points.size() != grid_rows * static_cast<size_t>(jpeg::points_in_row(columns, interval)) ||
       rows.grid.row_offsets.size() != grid_rows + 1)) {
    return false;
  }
  return region.x >= covered.x && region.y >= covered.y && region.x + region.width <= x_end &&
         region.y + region.height <= y_end;
}

// The MCUs and who decodes them.
void lay_out_runs(const jpeg::Layout& layout, const Rows& rows, ImageTask& task) {
  const jpeg::SplicePlan& plan = rows.plan;
  const int columns = layout.mcu_columns(), restart = layout.restart_interval;
  task.mcu_columns = columns;
  task.row_begin = plan.row_begin;
  task.column_begin = plan.segment_begin * plan.interval;
  task.rows = plan.row_end - plan.row_begin;
  task.columns = std::min(plan.segment_end * plan.interval, columns) - task.column_begin;
  const int64_t data_mcu = int64_t{rows.data_row} * columns;
  const int64_t last_mcu = int64_t{plan.row_end - 1} * columns + task.column_begin + task.columns - 1;
  task.restart_interval = restart;
  task.first_restart = restart > 0 ? static_cast<int>(data_mcu / restart) : 0;
  task.restarts = restart > 0 ? static_cast<int>(last_mcu / restart) - task.first_restart : 0;
  if (rows.grid.interval > 0 || layout.rows_are_segments()) {
    task.first_line = plan.row_begin;
    task.line_mcus = columns;
    task.interval = plan.interval;
    task.first_run = plan.segment_begin;
    task.runs_in_line = plan.segment_end - plan.segment_begin;
    task.runs = task.rows * task.runs_in_line;
  } else {  // all from the image's beginning, as the host does: damage above the crop must show
    task.first_line = 0;
    task.line_mcus = plan.row_end * columns;
    task.interval = restart > 0 ? std::min(restart, task.line_mcus) : task.line_mcus;
    task.first_run = 0;
    task.runs = task.runs_in_line = (task.line_mcus - 1) / task.interval + 1;
  }
  const int interval = rows.grid.interval;
  task.points_in_row = interval > 0 ? jpeg::points_in_row(columns, interval) : 0;
}

void lay_out_plane(const jpeg::Layout& layout, const image::Rect& covered, int c, Plane& plane) {
  plane.h = layout.h[c];
  plane.v = layout.v[c];
  plane.across = static_cast<uint8_t>(layout.max_h() / plane.h);
  plane.down = static_cast<uint8_t>(layout.max_v() / plane.v);
  plane.width = jpeg::samples_of(covered.width, plane.h, layout.max_h());
  plane.height = jpeg::samples_of(covered.height, plane.v, layout.max_v());
  plane.upsampling = jpeg::choose_upsampling(layout, c, covered.width);
}

// `table` is filled where the host has to make it.
void lay_out_axis(int in, int out, image::Filter filter, int begin, int count, int origin, Axis& axis,
                  image::Weights& table) {
  axis.scaling = image::scaling_of(in, out, filter);
  axis.step = 1.0 / axis.scaling.filter_scale;
  axis.filter = filter;
  axis.begin = begin;
  axis.count = count;
  axis.origin = origin;
  axis.ready = in == out || !image::is_polynomial(filter);
  if (axis.ready) {
    table.set(in, out, filter, begin, count);
    axis.taps = table.max_taps();
  } else {
    axis.taps = std::min(static_cast<int>(std::ceil(2 * axis.scaling.support)) + 1, in);
  }
}

void write_table(const image::Weights& table, uint8_t* to) {
  constexpr int32_t kOne = 1 << image::kWeightBits;
  auto* const spans = reinterpret_cast<image::Span*>(to);
  auto* const weights = reinterpret_cast<int32_t*>(spans + table.size());
  for (int i = 0; i < table.size(); ++i) {
    spans[i] = table.span(i);
    int32_t* const own = weights + static_cast<ptrdiff_t>(i) * table.max_taps();
    if (table.copies()) {
      *own = kOne;
    } else {
      std::copy_n(table.taps(i), table.max_taps(), own);
    }
  }
}

size_t table_words(const Axis& axis) {
  return static_cast<size_t>(axis.count) *
         (sizeof(image::Span) / sizeof(int32_t) + static_cast<size_t>(axis.taps));
}

}  // namespace

image::Rect Transform::region() const {
  if (crop.width < 1 || crop.height < 1) throw Error(ErrorKind::value, "an empty crop");
  image::Rect need = image::Resampler::source_region(crop.width, crop.height, width, height, filter, window);
  // A crop that is mirrored before its resize is taken whole: the case is rare.
  if (mirror) need = {0, 0, crop.width, crop.height};
  return {need.x + crop.x, need.y + crop.y, need.width, need.height};
}

Rows rows_of(jpeg::Bytes jpeg, const jpeg::Header& header, const image::Rect& region) {
  const jpeg::Layout& layout = header.layout;
  const int interval = layout.rows_are_segments() ? layout.restart_interval : layout.mcu_columns();
  return {jpeg.first(header.entropy_offset), header, plan_splice(layout, interval, region),
          jpeg.subspan(header.entropy_offset)};
}

BatchBuilder::BatchBuilder(std::span<uint8_t> staging, int images, size_t workspace_bytes)
    : staging_(staging), workspace_capacity_(workspace_bytes) {
  Room room;
  room.take<ImageTask>(static_cast<size_t>(images));
  if (room.used() > staging.size()) {
    throw Error(ErrorKind::value, "a staging block of " + std::to_string(staging.size()) +
                                      " bytes is too small for " + std::to_string(images) + " images");
  }
  staging_used_ = room.used();
  tasks_ = {reinterpret_cast<ImageTask*>(staging.data()), static_cast<size_t>(images)};
  for (ImageTask& task : tasks_) new (&task) ImageTask{};
}

BatchBuilder::Added BatchBuilder::add(int image, const Rows& rows, const Transform& transform) {
  jpeg::Layout layout = rows.header.layout;
  if (layout.components == 1) layout.h[0] = layout.v[0] = 1;
  jpeg::ScanTables tables;
  ImageTask task{};
  Codes codes;
  if (rows.data.size() > kMostBytes || !supported(layout, rows.header.color_space) ||
      !tables.read(rows.header_bytes, rows.header) || !codes.read(tables, layout.components, task.planes)) {
    return Added::unsupported;
  }
  const image::Rect& covered = rows.plan.covered;
  const image::Rect region = transform.region(), &window = transform.window;
  if (!fits(layout, rows, region)) return Added::unsupported;
  const auto items = [](const auto& size) { return int64_t{size.width} * size.height; };
  if (std::max({items(covered), items(region), int64_t{region.width} * window.height,
                int64_t{region.height} * window.width}) > kMostItems) {
    return Added::unsupported;
  }
  lay_out_runs(layout, rows, task);
  const image::Rect& crop = transform.crop;
  image::Weights columns, lines;
  lay_out_axis(crop.width, transform.width, transform.filter, window.x, window.width, region.x - crop.x,
               task.columns_axis, columns);
  lay_out_axis(crop.height, transform.height, transform.filter, window.y, window.height, region.y - crop.y,
               task.rows_axis, lines);
  task.color = rows.header.color_space;
  task.mirror = transform.mirror;
  task.flip = transform.flip;
  task.vertical_first = image::vertical_first(crop.width, crop.height, transform.width, transform.height);
  task.region = {region.x - covered.x, region.y - covered.y, region.width, region.height};

  Room work;
  task.plain = work.take<uint8_t>(rows.data.size() + jpeg::kOverread);
  task.starts = work.take<uint32_t>(static_cast<size_t>(task.restarts) + 2);
  if (task.points_in_row > 0) task.entries = work.take<Entry>(static_cast<size_t>(task.runs));
  for (int c = 0; c < layout.components; ++c) {
    Plane& plane = task.planes[c];
    lay_out_plane(layout, covered, c, plane);
    std::copy_n(tables.quantisers[tables.selections[c].quantiser], 64, plane.quantisers);
    plane.stride = 8 * task.columns * plane.h;
    plane.samples =
        work.take<uint8_t>(static_cast<size_t>(plane.stride) * 8 * static_cast<size_t>(task.rows) * plane.v);
  }
  task.pixels = work.take<uint32_t>(static_cast<size_t>(items(region)));
  task.between = work.take<uint32_t>(
      task.vertical_first ? static_cast<size_t>(region.width) * static_cast<size_t>(window.height)
                          : static_cast<size_t>(region.height) * static_cast<size_t>(window.width));
  Room staged;
  task.data = staged.take<uint8_t>(rows.data.size());
  task.bytes = static_cast<uint32_t>(rows.data.size());
  task.codes = staged.take<jpeg::CanonicalCode>(static_cast<size_t>(codes.dc_count + codes.ac_count));
  task.dc_codes = codes.dc_count;
  task.ac_codes = codes.ac_count;
  if (task.points_in_row > 0) {
    task.points = staged.take<jpeg::EntryPoint>(rows.grid.points.size());
    task.row_offsets = staged.take<uint32_t>(rows.grid.row_offsets.size());
  }
  for (Axis* axis : {&task.columns_axis, &task.rows_axis}) {
    axis->table = (axis->ready ? staged : work).take<int32_t>(table_words(*axis));
  }

  uint64_t work_begin, staged_begin;
  if (!reserve(workspace_used_, workspace_capacity_, work.used(), work_begin) ||
      !reserve(staging_used_, staging_.size(), staged.used(), staged_begin)) {
    return Added::full;
  }
  for (uint64_t* place : {&task.plain, &task.starts, &task.entries, &task.pixels, &task.between}) {
    *place += work_begin;
  }
  for (Plane& plane : task.planes) plane.samples += work_begin;
  for (uint64_t* place : {&task.data, &task.codes, &task.points, &task.row_offsets}) *place += staged_begin;
  for (Axis* axis : {&task.columns_axis, &task.rows_axis}) {
    axis->table += axis->ready ? staged_begin : work_begin;
  }

  uint8_t* const base = staging_.data();
  const auto copy = [&](uint64_t to, const auto* from, size_t count) {
    if (count > 0) std::memcpy(base + to, from, count * sizeof(*from));
  };
  copy(task.data, rows.data.data(), rows.data.size());
  copy(task.codes, codes.dc, static_cast<size_t>(codes.dc_count));
  copy(task.codes + static_cast<size_t>(codes.dc_count) * sizeof(jpeg::CanonicalCode), codes.ac,
       static_cast<size_t>(codes.ac_count));
  if (task.points_in_row > 0) {
    copy(task.points, rows.grid.points.data(), rows.grid.points.size());
    copy(task.row_offsets, rows.grid.row_offsets.data(), rows.grid.row_offsets.size());
  }
  if (task.columns_axis.ready) write_table(columns, base + task.columns_axis.table);
  if (task.rows_axis.ready) write_table(lines, base + task.rows_axis.table);
  task.components = layout.components;
  tasks_[static_cast<size_t>(image)] = task;
  return Added::added;
}

Largest BatchBuilder::largest() const {
  Largest largest;
  for (const ImageTask& task : tasks_) {
    if (task.components == 0) continue;
    const image::Rect& region = task.region;
    const int columns = task.columns_axis.count, rows = task.rows_axis.count;
    largest.runs = std::max(largest.runs, task.runs);
    largest.outputs = std::max(largest.outputs, columns * rows);
    largest.weights = std::max({largest.weights, columns, rows});
    largest.pixels = std::max(largest.pixels, region.width * region.height);
    largest.between =
        std::max(largest.between, task.vertical_first ? region.width * rows : columns * region.height);
  }
  return largest;
}

}  // namespace fastload::cuda
