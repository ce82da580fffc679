#include "shard/index.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "error.hpp"
#include "shard/bytes.hpp"
#include "shard/crc32c.hpp"

namespace fastload::shard {
namespace {

constexpr int kBlock = 8;  // samples, a side of a DCT block

Trailer read_trailer(const File& file, uint64_t end) {
  Trailer trailer;
  file.read_at(end - sizeof(Trailer), {reinterpret_cast<uint8_t*>(&trailer), sizeof(trailer)});
  return trailer;
}

void check_version(uint32_t version, const std::string& path) {
  if (version == kVersion) return;
  throw Error(ErrorKind::version, "'" + path + "' has an index of version " + std::to_string(version) +
                                      ", this fastload reads version " + std::to_string(kVersion) +
                                      ": make it again, or use the fastload that wrote it");
}

// MCU columns of the image: its width in units of the largest horizontal sampling factor.
int mcu_columns(const Record& record) {
  int factor = 1;
  if (record.components > 1) {
    for (const uint8_t sampling : record.sampling) factor = std::max<int>(factor, sampling >> 4);
  }
  return (record.width + kBlock * factor - 1) / (kBlock * factor);
}

}  // namespace

uint32_t record_crc(const Record& record, std::span<const uint8_t> rows,
                    std::span<const uint8_t> entry_points, std::span<const uint8_t> key) {
  uint32_t crc = crc32c(as_bytes(&record, 1).first(offsetof(Record, crc)));
  crc = crc32c(rows, crc);
  crc = crc32c(entry_points, crc);
  return crc32c(key, crc);
}

bool Index::ends_at(const File& file, uint64_t end) {
  return end >= sizeof(Trailer) && read_trailer(file, end).magic == kTrailerMagic;
}

Index::Index(const File& file, uint64_t end) : path_(file.path()) {
  if (!ends_at(file, end)) fail("the index's trailer is not found at its end (interrupted, or cut short)");
  const Trailer trailer = read_trailer(file, end);
  check_version(trailer.version, path_);
  if (trailer.crc != crc32c(as_bytes(&trailer, 1).first(offsetof(Trailer, crc)))) fail_checksum("trailer");
  if (trailer.index_bytes < sizeof(IndexHeader) + sizeof(Trailer) || trailer.index_bytes > end ||
      trailer.index_offset != end - trailer.index_bytes) {
    fail("its trailer points outside the file");
  }
  offset_ = trailer.index_offset;
  mapping_ = std::make_unique<Mapping>(file, offset_, trailer.index_bytes);
  const auto bytes = mapping_->bytes();

  std::memcpy(&header_, bytes.data(), sizeof(header_));
  if (header_.magic != kIndexMagic) fail_checksum("index header");
  check_version(header_.version, path_);
  const uint64_t table_bytes = uint64_t{header_.section_count} * sizeof(Section);
  if (table_bytes > bytes.size() - sizeof(header_)) fail_checksum("index header");
  IndexHeader blank = header_;
  blank.crc = 0;
  if (header_.crc != crc32c(bytes.subspan(sizeof(header_), table_bytes), crc32c(as_bytes(&blank, 1)))) {
    fail_checksum("index header");
  }

  sections_.resize(header_.section_count);
  std::memcpy(sections_.data(), bytes.data() + sizeof(header_), table_bytes);
  for (const Section& section : sections_) {
    if (section.offset % alignof(Record) != 0 || section.offset > bytes.size() ||
        section.bytes > bytes.size() - section.offset) {
      fail("one of its index's sections lies outside the index");
    }
  }
  records_ = section(SectionId::records);
  rows_ = section(SectionId::rows);
  keys_ = section(SectionId::keys);
  entry_points_ = section(SectionId::entry_points);
  if (records_.size() / sizeof(Record) != size() || records_.size() % sizeof(Record) != 0) {
    fail("its index holds another number of records than samples");
  }
}

std::span<const uint8_t> Index::section(SectionId id) const {
  for (const Section& section : sections_) {
    if (section.id == id) return mapping_->bytes().subspan(section.offset, section.bytes);
  }
  return {};  // a section that an older writer did not know
}

std::span<const uint8_t> Index::slice(std::span<const uint8_t> section, uint64_t first, uint64_t count,
                                      uint64_t entry_bytes, const char* what) const {
  if (first + count > section.size() / entry_bytes) {
    throw Error(ErrorKind::checksum,
                "'" + path_ + "' is damaged: a record's " + what + " lie outside the index");
  }
  return section.subspan(first * entry_bytes, count * entry_bytes);
}

const Record& Index::record(uint64_t sample) const {
  if (sample >= size()) {
    throw Error(ErrorKind::index, "sample " + std::to_string(sample) + " of '" + path_ + "', which has " +
                                      std::to_string(size()));
  }
  const Record& record = reinterpret_cast<const Record*>(records_.data())[sample];
  const auto rows = slice(rows_, record.row_first, record.row_count, sizeof(RowEntry), "rows");
  const auto points =
      slice(entry_points_, record.entry_first, record.entry_count, sizeof(EntryPoint), "entry points");
  const auto key = slice(keys_, record.key_offset, record.key_bytes, 1, "key");
  if (record.crc != record_crc(record, rows, points, key)) {
    fail_checksum("index record of sample " + std::to_string(sample));
  }
  return record;
}

std::span<const RowEntry> Index::rows(const Record& record) const {
  return {reinterpret_cast<const RowEntry*>(rows_.data()) + record.row_first, record.row_count};
}

std::string_view Index::key(const Record& record) const {
  return {reinterpret_cast<const char*>(keys_.data()) + record.key_offset, record.key_bytes};
}

std::span<const EntryPoint> Index::entry_points(const Record& record) const {
  uint64_t expected = 0;
  if (record.entry_interval > 0 && record.row_count > 0) {
    const int per_row = (mcu_columns(record) + record.entry_interval - 1) / record.entry_interval;
    expected = uint64_t{record.row_count - 1} * static_cast<uint64_t>(per_row);
  }
  if (record.entry_count != expected) {
    throw Error(ErrorKind::shard, "'" + path_ + "' has " + std::to_string(record.entry_count) +
                                      " entry points for sample '" + std::string(key(record)) +
                                      "' instead of " + std::to_string(expected));
  }
  return {reinterpret_cast<const EntryPoint*>(entry_points_.data()) + record.entry_first, record.entry_count};
}

void Index::verify() const {
  for (const Section& section : sections_) {
    if (crc32c(mapping_->bytes().subspan(section.offset, section.bytes)) != section.crc) {
      fail_checksum("index section " + std::to_string(static_cast<uint32_t>(section.id)) + " at byte " +
                    std::to_string(offset_ + section.offset));
    }
  }
}

void Index::fail(const std::string& what) const {
  throw Error(ErrorKind::shard, "'" + path_ + "' is not a complete fastload index: " + what);
}

void Index::fail_checksum(const std::string& what) const {
  throw Error(ErrorKind::checksum,
              "'" + path_ + "' is damaged: the checksum of its " + what + " does not match");
}

}  // namespace fastload::shard
