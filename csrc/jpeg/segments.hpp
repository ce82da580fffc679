// The entropy-coded data of a scan, cut at its markers and freed of stuffing: bytes as a bit reader wants
// them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastload::jpeg {

// Copies the segment at `from` up to its marker, or to `end`, without the zeros that are stuffed behind FF
// (T.81, F.1.2.3). `to` needs room for kCopySlack bytes more than the segment has. Afterwards `from` is at
// the marker's FF, or at `end`, and `to` behind the last byte. False for FF FF, which libjpeg judges by what
// follows.
bool copy_segment(const uint8_t*& from, const uint8_t* end, uint8_t*& to);
inline constexpr size_t kCopySlack = 16;

// Where the segment's marker lies, or `end`.
const uint8_t* skip_segment(const uint8_t* from, const uint8_t* end);

}  // namespace fastload::jpeg
