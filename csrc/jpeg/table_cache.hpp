// A decoding table, kept while images come with the same code.
#pragma once

#include "jpeg/tables.hpp"

namespace fastload::jpeg {

template <class Table>
class CachedTable {
 public:
  // The code's table, built only if the code is another one than the last; nothing if libjpeg would reject
  // the code. Valid until the next call.
  const Table* get(const HuffmanSpec& code) {
    if (!valid_ || code_ != code) {
      valid_ = build(code, table_);
      code_ = code;
    }
    return valid_ ? &table_ : nullptr;
  }

 private:
  HuffmanSpec code_;
  Table table_;
  bool valid_ = false;
};

}  // namespace fastload::jpeg
