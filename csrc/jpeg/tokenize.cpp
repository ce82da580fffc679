#include <algorithm>

#include "image/simd.hpp"
#include "image/simd_target.hpp"
#include "jpeg/token_counter.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "jpeg/tokenize.cpp"
#include <hwy/foreach_target.h>  // NOLINT(llvm-include-order): compiles the rest of this file once per target
#include <hwy/highway.h>

#include "jpeg/tokenize-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {

void Tokenize(const Coefficients& image, Tokens& out) {
  const Layout& layout = image.layout;
  struct Place {
    size_t component;
    int h, v, x, y;  // of this block: its MCU's blocks across and down, and its place among them
  };
  std::vector<Place> mcu;
  for (size_t c = 0; c < image.planes.size(); ++c) {
    const int h = image.planes.size() == 1 ? 1 : layout.h[c], v = image.planes.size() == 1 ? 1 : layout.v[c];
    for (int k = 0; k < h * v; ++k) mcu.push_back({c, h, v, k % h, k / h});
  }
  Coded coded(mcu.size() * static_cast<size_t>(layout.mcu_columns()));
  TokenCounter counter;
  int predictors[3] = {};
  int until_restart = layout.restart_interval;  // MCUs; 0: there is none
  Token* at = out.tokens.get();
  for (int row = 0; row < layout.mcu_rows(); ++row) {
    const Token* const row_begin = at;
    for (int column = 0; column < layout.mcu_columns(); ++column) {
      for (const Place& place : mcu) {
        const Plane& plane = image.planes[place.component];
        const int x = column * place.h + place.x, y = row * place.v + place.y;
        const Table dc = place.component == 0 ? kDcFirst : kDcOther;
        if (x < plane.columns && y < plane.rows) {
          const int16_t* block =
              plane.block_rows[static_cast<size_t>(y)] + kBlockSize * static_cast<size_t>(x);
          coded.add_block(block, block[0] - predictors[place.component], dc);
          predictors[place.component] = block[0];
        } else {
          coded.add_padding(dc);
        }
      }
      if (until_restart > 0 && --until_restart == 0) {
        at = coded.convert(at);
        out.segment_ends.push_back(static_cast<size_t>(at - out.tokens.get()));
        std::fill(std::begin(predictors), std::end(predictors), 0);
        until_restart = layout.restart_interval;
      }
    }
    at = coded.convert(at);
    counter.add(row_begin, at);
  }
  const auto end = static_cast<size_t>(at - out.tokens.get());
  if (out.segment_ends.empty() || out.segment_ends.back() != end) out.segment_ends.push_back(end);
  counter.sum(out.frequencies);
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::jpeg {

HWY_EXPORT(Tokenize);

Tokens tokenize(const Coefficients& image) {
  Tokens tokens;
  tokens.allocate(image.layout);
  HWY_DYNAMIC_DISPATCH(Tokenize)(image, tokens);
  return tokens;
}

void Tokens::allocate(const Layout& layout) {
  // A block has at most 64 tokens: DC, and 63 coefficients, or fewer and EOB (16 zeros cost one token).
  constexpr size_t kVector = 64;  // is stored whole
  const size_t blocks = static_cast<size_t>(layout.blocks_in_mcu()) *
                        static_cast<size_t>(layout.mcu_columns()) * static_cast<size_t>(layout.mcu_rows());
  tokens = std::make_unique_for_overwrite<Token[]>(kBlockSize * blocks + kVector);
}

bool Tokens::fit_baseline() const {
  for (size_t table = 0; table < kTables; ++table) {
    const bool dc = table == kDcFirst || table == kDcOther;
    for (size_t symbol = 0; symbol < 256; ++symbol) {
      const size_t size = symbol & 15;
      if (frequencies[table][symbol] > 0 && size > (dc ? kLargestDcSize : kLargestAcSize)) return false;
    }
  }
  return true;
}

}  // namespace fastload::jpeg
FL_SIMD_STAGE("tokenize")
#endif
