#include "jpeg/whole_scan.hpp"

#include <limits>

#include "jpeg/lockstep.hpp"
#include "jpeg/markers.hpp"
#include "jpeg/segments.hpp"

namespace fastload::jpeg {

WholeScan::WholeScan(Bytes jpeg, const Header& header, std::vector<uint8_t>& buffer)
    : jpeg_(jpeg),
      restart_interval_(header.layout.restart_interval),
      buffer_(buffer),
      end_offset_(header.entropy_offset) {
  const size_t size = jpeg.size() - header.entropy_offset + kCopySlack + kOverread;
  if (buffer_.size() < size) buffer_.resize(size);
}

bool WholeScan::next() {
  if (!passed_all()) return false;
  if (segments_ > 0) {
    if (marker() != kRST0 + ((segments_ - 1) & 7)) return false;
    end_offset_ += 2;
  }
  ++segments_;
  offset_ = end_offset_;
  const uint8_t* from = jpeg_.data() + offset_;
  uint8_t* to = buffer_.data();
  const bool copied = copy_segment(from, jpeg_.data() + jpeg_.size(), to);
  end_ = to;
  end_offset_ = static_cast<size_t>(from - jpeg_.data());
  cursor = {.next = begin()};
  left = restart_interval_ > 0 ? restart_interval_ : std::numeric_limits<int64_t>::max();
  return copied;
}

bool WholeScan::ended() const { return passed_all() && marker() == kEOI; }

// Whether the segment has no byte of which no bit is used.
bool WholeScan::passed_all() const { return cursor.position(end_) > -8; }

int WholeScan::marker() const { return jpeg_.size() - end_offset_ < 2 ? -1 : jpeg_[end_offset_ + 1]; }

}  // namespace fastload::jpeg
