// Marker codes (ITU-T T.81, table B.1): the second byte, after FF.
#pragma once

#include "hd.hpp"

namespace fastload::jpeg {

inline constexpr int kTEM = 0x01;
inline constexpr int kSOF0 = 0xC0;
inline constexpr int kDHT = 0xC4;
inline constexpr int kRST0 = 0xD0;
inline constexpr int kSOI = 0xD8;
inline constexpr int kEOI = 0xD9;
inline constexpr int kSOS = 0xDA;
inline constexpr int kDQT = 0xDB;
inline constexpr int kDRI = 0xDD;
inline constexpr int kAPP0 = 0xE0;

// SOF0..SOF15 without DHT (C4), JPG (C8) and DAC (CC).
FL_HD inline bool is_sof(int marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// Applications' data, comments, and DNL, which libjpeg passes over.
FL_HD inline bool is_skipped(int marker) {
  return (marker >= kAPP0 && marker <= kAPP0 + 15) || marker == 0xFE || marker == 0xDC;
}

FL_HD inline bool is_rst(int marker) { return marker >= kRST0 && marker <= kRST0 + 7; }

}  // namespace fastload::jpeg
