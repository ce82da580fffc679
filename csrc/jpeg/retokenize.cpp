#include "jpeg/retokenize.hpp"

#include <algorithm>

#include "jpeg/retokenize_mcus.hpp"
#include "jpeg/token_counter.hpp"
#include "jpeg/whole_scan.hpp"

namespace fastload::jpeg {
namespace {

bool walk(WholeScan& data, const Layout& source, TokenScan& scan, TokenCounter& counter) {
  for (int row = 0; row < source.mcu_rows(); ++row) {
    const Token* const row_begin = scan.at;
    for (int column = 0; column < source.mcu_columns();) {
      if (data.left == 0) {
        if (!data.next()) return false;
        scan.end = data.end();
        std::fill(std::begin(scan.predictors), std::end(scan.predictors), 0);
      }
      const auto mcus = static_cast<int>(std::min<int64_t>(data.left, source.mcu_columns() - column));
      if (!retokenize_mcus(scan, data.cursor, row, column, mcus)) return false;
      column += mcus;
      data.left -= mcus;
    }
    counter.add(row_begin, scan.at);
  }
  return data.ended();
}

}  // namespace

// A component's tables. They say which of the new JPEG's tables a token belongs to.
struct Retokenizer::Code {
  HuffmanSpec dc_code, ac_code;
  DcTable dc;
  TokenTable ac;
  bool valid = false;

  bool adopt(const HuffmanSpec& new_dc, const HuffmanSpec& new_ac, Table output) {
    if (valid && dc_code == new_dc && ac_code == new_ac) return true;
    dc_code = new_dc;
    ac_code = new_ac;
    valid = build(new_dc, dc) && build(new_ac, output, ac);
    return valid;
  }
};

Retokenizer::Retokenizer() : codes_(std::make_unique<Code[]>(kMostComponents)) {}
Retokenizer::~Retokenizer() = default;

std::optional<Tokens> Retokenizer::run(Bytes jpeg, const Header& header, const ScanTables& tables,
                                       const Layout& layout) {
  const Layout& source = header.layout;
  if (source.blocks_in_mcu() > kMostBlocksInMcu || source.blocks_in_mcu() != layout.blocks_in_mcu())
    return std::nullopt;
  TokenScan scan;
  for (int c = 0; c < source.components; ++c) {
    const ScanTables::Selection& selection = tables.selections[c];
    const HuffmanSpec &dc = tables.dc[selection.dc], &ac = tables.ac[selection.ac];
    // The second and the third component mostly share their tables.
    const bool shared = c == 2 && codes_[1].dc_code == dc && codes_[1].ac_code == ac;
    Code& code = codes_[static_cast<size_t>(shared ? 1 : c)];
    if (!code.adopt(dc, ac, c == 0 ? kAcFirst : kAcOther)) return std::nullopt;
    const int h = source.components == 1 ? 1 : source.h[c], v = source.components == 1 ? 1 : source.v[c];
    const auto blocks = [](int pixels, int factor, int most) {
      return (pixels * factor + 8 * most - 1) / (8 * most);
    };
    for (int k = 0; k < h * v; ++k) {
      scan.slots.push_back({.dc = &code.dc,
                            .ac = &code.ac,
                            .dc_output = c == 0 ? kDcFirst : kDcOther,
                            .ac_output = c == 0 ? kAcFirst : kAcOther,
                            .component = c,
                            .across = h,
                            .x = k % h,
                            .blocks_across = blocks(source.width, h, source.max_h()),
                            .down = v,
                            .y = k / h,
                            .blocks_down = blocks(source.height, v, source.max_v())});
    }
  }
  Tokens tokens;
  tokens.allocate(layout);
  scan.at = tokens.tokens.get();
  scan.restart_interval = scan.until_restart = layout.restart_interval;
  TokenCounter counter;
  WholeScan data(jpeg, header, buffer_);
  if (!walk(data, source, scan, counter)) return std::nullopt;
  if (scan.segment_ends.empty() || scan.segment_ends.back() != scan.at) scan.segment_ends.push_back(scan.at);
  for (const Token* const end : scan.segment_ends) {
    tokens.segment_ends.push_back(static_cast<size_t>(end - tokens.tokens.get()));
  }
  counter.sum(tokens.frequencies);
  return tokens;
}

}  // namespace fastload::jpeg
