// A whole scan, restart segment by restart segment, judged more strictly than decoding needs: libjpeg would
// warn of what is refused here.
#pragma once

#include <vector>

#include "jpeg/header.hpp"
#include "jpeg/skip_cursor.hpp"

namespace fastload::jpeg {

class WholeScan {
 public:
  // `jpeg` and `buffer` must outlive this. `buffer` grows as needed.
  WholeScan(Bytes jpeg, const Header& header, std::vector<uint8_t>& buffer);

  // Where the pass is in the segment, and how many MCUs the segment still has. Whoever takes MCUs moves both.
  SkipCursor cursor;
  int64_t left = 0;

  // Goes on to the next restart segment, the first one to begin with. False unless the pass has reached the
  // last byte of the segment before, and its marker is in order.
  bool next();
  // Likewise to the end of the scan.
  [[nodiscard]] bool ended() const;

  // The segment without stuffing. kOverread bytes behind it may be read, and mean nothing.
  [[nodiscard]] const uint8_t* begin() const { return buffer_.data(); }
  [[nodiscard]] const uint8_t* end() const { return end_; }

  // Where the segment began in the JPEG, and where its last byte was followed by a marker or by nothing.
  [[nodiscard]] size_t offset() const { return offset_; }
  [[nodiscard]] size_t end_offset() const { return end_offset_; }

 private:
  [[nodiscard]] bool passed_all() const;
  [[nodiscard]] int marker() const;  // at end_offset_; -1 if the data end

  Bytes jpeg_;
  int restart_interval_;  // MCUs
  std::vector<uint8_t>& buffer_;
  const uint8_t* end_ = nullptr;
  size_t offset_ = 0, end_offset_;
  int segments_ = 0;  // that next() went to
};

}  // namespace fastload::jpeg
