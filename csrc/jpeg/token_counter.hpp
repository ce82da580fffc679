// How often each symbol occurs.
#pragma once

#include "jpeg/tokens.hpp"

namespace fastload::jpeg {

// Two sets of counters, used in turn: the same symbol often comes twice in a row, and an increment must not
// wait for the one before it.
class TokenCounter {
 public:
  void add(const Token* at, const Token* end) {
    for (; at + 2 <= end; at += 2) {
      ++even_[at[0] >> 16];
      ++odd_[at[1] >> 16];
    }
    if (at < end) ++even_[at[0] >> 16];
  }
  void sum(std::array<std::array<uint32_t, 256>, kTables>& frequencies) const {
    for (size_t k = 0; k < 256 * kTables; ++k) frequencies[k / 256][k % 256] = even_[k] + odd_[k];
  }

 private:
  uint32_t even_[256 * kTables] = {};
  uint32_t odd_[256 * kTables] = {};
};

}  // namespace fastload::jpeg
