#include "jpeg/encode.hpp"

#include "jpeg/emit.hpp"
#include "jpeg/huffman_code.hpp"
#include "jpeg/markers.hpp"
#include "jpeg/tokens.hpp"
#include "jpeg/write_header.hpp"

namespace fastload::jpeg {

std::optional<EncodedJpeg> encode(const Coefficients& image, const EncodeOptions& options) {
  return encode(image, tokenize(image), options);
}

std::optional<EncodedJpeg> encode(const Coefficients& image, const Tokens& tokens,
                                  const EncodeOptions& options) {
  if (!tokens.fit_baseline()) return std::nullopt;
  std::array<HuffmanCode, kTables> codes;
  for (size_t k = 0; k < kTables; ++k) {
    codes[k] = make_huffman_code(tokens.frequencies[k], options.max_code_length);
  }
  EncodedJpeg out;
  out.bytes = write_header(image, codes, options.orientation);
  const std::vector<uint32_t> segments = emit(tokens, codes, out.bytes);
  out.bytes.insert(out.bytes.end(), {0xFF, kEOI});
  if (const Layout& layout = image.layout; layout.rows_are_segments()) {
    const auto per_row = static_cast<size_t>(layout.mcu_columns() / layout.restart_interval);
    for (size_t k = 0; k < segments.size(); k += per_row) out.row_offsets.push_back(segments[k]);
  }
  return out;
}

}  // namespace fastload::jpeg
