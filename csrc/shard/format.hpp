// The byte layout of a shard's index, version 1. docs/shard-format.md explains it; little-endian throughout.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace fastload::shard {

static_assert(std::endian::native == std::endian::little, "the index is mapped as it is: little-endian only");

inline constexpr char kIndexName[] = ".fastload_index";
inline constexpr uint64_t kIndexMagic = 0x3158444E49444C46;    // "FLDINDX1"
inline constexpr uint64_t kTrailerMagic = 0x314C494154444C46;  // "FLDTAIL1"
inline constexpr uint32_t kVersion = 1;

enum class SectionId : uint32_t {
  records = 1,       // Record, one per sample
  rows = 2,          // RowEntry, row_count per sample
  keys = 3,          // UTF-8 bytes
  entry_points = 4,  // EntryPoint; those of JPEGs whose MCU rows do not begin with restarts
  classes = 5,       // UTF-8 lines, one for each label; left out where the index knows no names
  notes = 6,         // JSON: how the index was made, for people and for the program that made it
};

// Where the JPEGs lie.
enum class IndexKind : uint32_t {
  member = 0,   // in the archive that holds the index
  sidecar = 1,  // in another archive: the index is the file NAME.tar.fastload_index beside NAME.tar
  folder = 2,  // in files of their own, whose keys are their paths: the index is the folder's .fastload_index
};

// At the index's first byte; the section table follows.
struct IndexHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t section_count;
  uint64_t sample_count;
  uint64_t index_bytes;  // trailer included
  IndexKind kind;
  uint32_t reserved0;
  uint64_t archive_bytes;  // of a side-car's archive, else 0
  uint8_t reserved[12];
  uint32_t crc;  // CRC-32C of this header with crc = 0, then of the section table
};
static_assert(sizeof(IndexHeader) == 64);

struct Section {
  SectionId id;
  uint32_t entry_bytes;
  uint64_t offset;  // from the index's first byte
  uint64_t bytes;
  uint32_t crc;  // CRC-32C of the section
  uint32_t reserved;
};
static_assert(sizeof(Section) == 32);

enum RecordFlags : uint8_t {
  kRewritten = 1,  // coded again with restart markers (otherwise the source's own bytes)
  kTruncated = 2,  // the source's data ended early
};

// One sample: a cache line, so that a shuffled read touches one.
struct Record {
  uint64_t jpeg_offset;  // in the file that it lies in
  uint32_t jpeg_bytes;
  uint32_t jpeg_crc;  // CRC-32C of the whole JPEG
  int32_t label;
  uint16_t width, height;
  uint32_t key_offset;  // into the keys section
  uint16_t key_bytes;
  uint16_t restart_interval;  // MCUs
  uint32_t row_first;         // index into the rows section
  uint32_t row_count;         // MCU rows + 1, or 0 if rows cannot be read alone
  uint32_t entry_first;       // index into the entry points section
  uint32_t entry_count;
  uint8_t components;
  uint8_t sampling[3];  // horizontal << 4 | vertical
  uint8_t orientation;  // EXIF, 1..8
  uint8_t flags;
  uint16_t entry_interval;  // MCUs from an entry point to the next one in its row; 0: there are none
  uint8_t reserved[4];
  uint32_t crc;  // CRC-32C of the 60 bytes before, then of the sample's rows, entry points and key
};
static_assert(sizeof(Record) == 64 && offsetof(Record, crc) == 60);

// Entry k ends the k-th piece of a JPEG: piece 0 is the header, piece k is MCU row k - 1.
struct RowEntry {
  uint32_t end;  // byte offset in the JPEG
  uint32_t crc;  // CRC-32C of the piece (with kSharedBytes more where there are entry points)
};
static_assert(sizeof(RowEntry) == 8);

// A place in entropy-coded data where a decoder may start: see jpeg::EntryPoint.
using EntryPoint = uint64_t;

// Where rows do not begin with restarts, a row may end within a byte that the next one begins with: to read
// it takes that byte, and the stuffed zero behind it. They are left out where the JPEG ends.
inline constexpr uint32_t kSharedBytes = 2;

// Where the checksum of the piece that `entry` ends stops, and a reader of that row must read to.
constexpr uint64_t checked_end(const Record& record, const RowEntry& entry, bool is_header) {
  const uint64_t shared = record.entry_interval > 0 && !is_header ? kSharedBytes : 0;
  return std::min<uint64_t>(entry.end + shared, record.jpeg_bytes);
}

// The last 64 bytes of the index, so at a fixed distance from the end of the file.
struct Trailer {
  uint64_t magic;
  uint32_t version;
  uint32_t reserved0;
  uint64_t index_offset;  // of IndexHeader, in the file that holds the index
  uint64_t index_bytes;
  uint8_t reserved[28];
  uint32_t crc;  // CRC-32C of the 60 bytes before
};
static_assert(sizeof(Trailer) == 64);

}  // namespace fastload::shard
