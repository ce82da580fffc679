// The tables that a sequential JPEG's one scan is decoded with, as its DQT, DHT, SOF and SOS segments give
// them.
#pragma once

#include <array>
#include <cstdint>

#include "jpeg/header.hpp"

namespace fastload::jpeg {

inline constexpr int kMostComponents = 3;  // of the fast subset

// A Huffman code (ITU-T T.81, annex C): its words are assigned to `symbols` in order of length.
struct HuffmanSpec {
  std::array<uint8_t, 17> counts{};  // by length; [0] is not used
  std::array<uint8_t, 256> symbols{};
  bool defined = false;

  friend bool operator==(const HuffmanSpec&, const HuffmanSpec&) = default;
};

struct ScanTables {
  struct Selection {
    uint8_t quantiser = 0, dc = 0, ac = 0;
  };

  uint16_t quantisers[4][64] = {};  // row-major
  bool quantiser_defined[4] = {};
  HuffmanSpec dc[4], ac[4];
  Selection selections[kMostComponents];  // by component

  // Reads the segments of `jpeg` up to its first scan, of which `header` is the summary. False if the scan
  // does not belong to the fast subset or if a table is missing or damaged.
  bool read(Bytes jpeg, const Header& header);

 private:
  bool read_quantisers(Bytes segment);
  bool read_codes(Bytes segment);
  bool read_scan(Bytes segment, const uint8_t* ids, int components);
};

}  // namespace fastload::jpeg
