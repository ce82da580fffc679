// Tokens and their Huffman codes become entropy-coded bytes.
#pragma once

#include <array>

#include "jpeg/huffman_code.hpp"
#include "jpeg/tokens.hpp"

namespace fastload::jpeg {

// Appends all restart segments with byte stuffing and the RST markers between them (T.81, F.1.2.3 and
// B.1.1.5). Returns the offset in `bytes` at which each segment begins, then that of the end.
std::vector<uint32_t> emit(const Tokens& tokens, const std::array<HuffmanCode, kTables>& codes,
                           std::vector<uint8_t>& bytes);

}  // namespace fastload::jpeg
