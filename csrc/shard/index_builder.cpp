#include "shard/index_builder.hpp"

#include <cstddef>
#include <limits>

#include "error.hpp"
#include "shard/bytes.hpp"
#include "shard/crc32c.hpp"
#include "shard/index.hpp"
#include "shard/tar.hpp"

namespace fastload::shard {
namespace {

constexpr uint64_t kAlign = 64;  // of sections: a record is a cache line

constexpr uint64_t aligned(uint64_t at) { return (at + kAlign - 1) / kAlign * kAlign; }

template <class T, class V>
T narrow(V value, const char* what, std::string_view key) {
  if (value > static_cast<V>(std::numeric_limits<T>::max())) {
    throw Error(ErrorKind::value,
                std::string(what) + " of sample '" + std::string(key) + "' is too large for an index");
  }
  return static_cast<T>(value);
}

}  // namespace

void IndexBuilder::add(const SampleInfo& sample, uint64_t jpeg_offset) {
  const std::string_view key = sample.key;
  if (key.empty()) throw Error(ErrorKind::value, "a sample's key is empty");
  if (sample.components < 1 || sample.components > 3) {
    throw Error(ErrorKind::value, "sample '" + std::string(key) + "' has " +
                                      std::to_string(sample.components) + " components, not 1 to 3");
  }
  Record record{};
  record.jpeg_offset = jpeg_offset;
  record.jpeg_bytes = narrow<uint32_t>(sample.jpeg.size(), "JPEG", key);
  record.jpeg_crc = crc32c(sample.jpeg);
  record.label = sample.label;
  record.width = narrow<uint16_t>(sample.width, "width", key);
  record.height = narrow<uint16_t>(sample.height, "height", key);
  record.key_offset = narrow<uint32_t>(keys_.size(), "key offset", key);
  record.key_bytes = narrow<uint16_t>(key.size(), "key", key);
  record.restart_interval = narrow<uint16_t>(sample.restart_interval, "restart interval", key);
  record.row_first = narrow<uint32_t>(rows_.size(), "row table", key);
  record.row_count = static_cast<uint32_t>(sample.row_offsets.size());
  record.entry_first = narrow<uint32_t>(entry_points_.size(), "entry point table", key);
  record.entry_count = static_cast<uint32_t>(sample.entry_points.size());
  record.entry_interval = narrow<uint16_t>(sample.entry_interval, "entry interval", key);
  record.components = static_cast<uint8_t>(sample.components);
  for (int c = 0; c < sample.components; ++c) {
    record.sampling[c] = static_cast<uint8_t>(sample.h[c] << 4 | sample.v[c]);
  }
  record.orientation = static_cast<uint8_t>(sample.orientation);
  record.flags = sample.flags;
  uint32_t begin = 0;
  for (const uint32_t end : sample.row_offsets) {
    RowEntry entry{end, 0};
    entry.crc = crc32c(sample.jpeg.subspan(begin, checked_end(record, entry, begin == 0) - begin));
    rows_.push_back(entry);
    begin = end;
  }
  entry_points_.insert(entry_points_.end(), sample.entry_points.begin(), sample.entry_points.end());
  keys_ += key;
  record.crc =
      record_crc(record, as_bytes(rows_.data() + record.row_first, record.row_count),
                 as_bytes(entry_points_.data() + record.entry_first, record.entry_count), as_bytes(key));
  records_.push_back(record);
}

std::vector<IndexBuilder::Table> IndexBuilder::tables() const {
  std::vector<Table> tables{
      {SectionId::records, sizeof(Record), as_bytes(records_.data(), records_.size())},
      {SectionId::rows, sizeof(RowEntry), as_bytes(rows_.data(), rows_.size())},
      {SectionId::keys, 1, as_bytes(keys_)},
      {SectionId::entry_points, sizeof(EntryPoint), as_bytes(entry_points_.data(), entry_points_.size())}};
  if (!classes.empty()) tables.push_back({SectionId::classes, 1, as_bytes(classes)});
  if (!notes.empty()) tables.push_back({SectionId::notes, 1, as_bytes(notes)});
  return tables;
}

uint64_t IndexBuilder::bytes() const {
  const auto all = tables();
  uint64_t at = sizeof(IndexHeader) + all.size() * sizeof(Section);
  for (const Table& table : all) at = aligned(at) + table.bytes.size();
  at += sizeof(Trailer);
  return at + tar_padding(at);
}

void IndexBuilder::write(const Place& place, const std::function<void(std::span<const uint8_t>)>& put) const {
  const auto all = tables();
  std::vector<Section> sections;
  uint64_t at = sizeof(IndexHeader) + all.size() * sizeof(Section);
  for (const Table& table : all) {
    at = aligned(at);
    sections.push_back({table.id, table.entry_bytes, at, table.bytes.size(), crc32c(table.bytes), 0});
    at += table.bytes.size();
  }
  IndexHeader header{};
  header.magic = kIndexMagic;
  header.version = kVersion;
  header.section_count = static_cast<uint32_t>(sections.size());
  header.sample_count = records_.size();
  header.index_bytes = bytes();
  header.kind = place.kind;
  header.archive_bytes = place.archive_bytes;
  header.crc = crc32c(as_bytes(sections.data(), sections.size()), crc32c(as_bytes(&header, 1)));
  Trailer trailer{};
  trailer.magic = kTrailerMagic;
  trailer.version = kVersion;
  trailer.index_offset = place.index_offset;
  trailer.index_bytes = header.index_bytes;
  trailer.crc = crc32c(as_bytes(&trailer, 1).first(offsetof(Trailer, crc)));

  uint64_t written = 0;
  auto put_at = [&](uint64_t offset, std::span<const uint8_t> bytes) {
    static constexpr uint8_t kZeros[kTarBlock] = {};
    put({kZeros, static_cast<size_t>(offset - written)});
    put(bytes);
    written = offset + bytes.size();
  };
  put_at(0, as_bytes(&header, 1));
  put_at(sizeof(header), as_bytes(sections.data(), sections.size()));
  for (size_t k = 0; k < sections.size(); ++k) put_at(sections[k].offset, all[k].bytes);
  put_at(header.index_bytes - sizeof(trailer), as_bytes(&trailer, 1));
}

}  // namespace fastload::shard
