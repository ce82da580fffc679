#include "jpeg/fast_decoder.hpp"

namespace fastload::jpeg {
namespace {

SplicePlan plan(const Layout& layout, const image::Rect& crop, int reduction) {
  return plan_splice(layout, layout.rows_are_segments() ? layout.restart_interval : layout.mcu_columns(),
                     crop, reduction);
}

}  // namespace

FastDecoder::Outcome FastDecoder::decode(Bytes jpeg, const Header& header, const image::Rect& crop,
                                         const image::Image& out, int reduction) {
  return run(plan(header.layout, crop, reduction), jpeg.first(header.entropy_offset), header,
             jpeg.subspan(header.entropy_offset), 0, {}, crop, out, reduction);
}

FastDecoder::Outcome FastDecoder::decode_rows(const SplicePlan& plan, Bytes header_bytes,
                                              const Header& header, Bytes rows, const EntryGrid& grid,
                                              const image::Rect& crop, const image::Image& out,
                                              int reduction) {
  return run(plan, header_bytes, header, rows, plan.row_begin, grid, crop, out, reduction);
}

FastDecoder::Outcome FastDecoder::run(const SplicePlan& plan, Bytes header_bytes, const Header& header,
                                      Bytes data, int data_row, const EntryGrid& grid,
                                      const image::Rect& crop, const image::Image& out, int reduction) {
  if (!PixelStage::takes(header.layout, header.color_space)) return Outcome::unsupported;
  if (!entropy_.open(header_bytes, header)) return Outcome::unsupported;
  entropy_.begin(plan, data, data_row, grid);
  pixels_.begin(entropy_.layout(), header.color_space, entropy_.components(), plan.covered, crop, out,
                reduction);
  BlockRow rows[kMostComponents];
  for (int row = plan.row_begin; row < plan.row_end; ++row) {
    if (!entropy_.next(rows)) return Outcome::damaged;
    pixels_.add_row(rows);
  }
  pixels_.end();
  return Outcome::decoded;
}

}  // namespace fastload::jpeg
