#include "shard/reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "error.hpp"
#include "shard/crc32c.hpp"
#include "shard/tar.hpp"
#include "shard/writer.hpp"

namespace fastload::shard {
namespace {

constexpr uint64_t kEndOfArchive = 2 * kTarBlock;

template <class T>
std::span<const uint8_t> as_bytes(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof(T)};
}

uint32_t header_crc(const IndexHeader& header, std::span<const uint8_t> sections) {
  IndexHeader blank = header;
  blank.crc = 0;
  return crc32c(sections, crc32c(as_bytes(blank)));
}

std::string text(const TarHeader& header) { return {header.begin(), header.end()}; }

void check_version(uint32_t version, const std::string& path) {
  if (version == kVersion) return;
  throw Error(ErrorKind::version, "'" + path + "' has an index of version " + std::to_string(version) +
                                      ", this fastload reads version " + std::to_string(kVersion) +
                                      ": prepare it again, or use the fastload that wrote it");
}

}  // namespace

Shard::Shard(const std::string& path) : file_(path, File::Mode::read) {
  auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::shard, "'" + path + "' is not a complete fastload shard: " + what);
  };
  auto changed = [&](const char* what) {
    throw Error(ErrorKind::checksum,
                "'" + path + "' is damaged: the checksum of its " + what + " does not match");
  };
  const uint64_t size = file_.size();
  if (size == 0) fail("it has 0 bytes");
  if (size < kEndOfArchive + sizeof(Trailer)) fail("it has only " + std::to_string(size) + " bytes");
  Trailer trailer;
  file_.read_at(size - kEndOfArchive - sizeof(Trailer),
                {reinterpret_cast<uint8_t*>(&trailer), sizeof(trailer)});
  const bool intact = trailer.crc == crc32c(as_bytes(trailer).first(offsetof(Trailer, crc)));
  if (trailer.magic != kTrailerMagic) {
    if (intact) changed("trailer");
    fail("the index's trailer is not found at its end (interrupted, cut short, or a tar of another program)");
  }
  check_version(trailer.version, path);
  if (!intact) changed("trailer");
  if (trailer.index_bytes < sizeof(IndexHeader) + sizeof(Trailer) || trailer.index_bytes > size ||
      trailer.index_offset != size - kEndOfArchive - trailer.index_bytes ||
      trailer.index_offset < kTarBlock) {
    fail("its trailer points outside the file");
  }
  index_ = std::make_unique<Mapping>(file_, trailer.index_offset, trailer.index_bytes);
  members_end_ = trailer.index_offset - kTarBlock;

  const auto bytes = index_->bytes();
  IndexHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kIndexMagic) changed("index header");
  check_version(header.version, path);
  const uint64_t table_bytes = uint64_t{header.section_count} * sizeof(Section);
  if (table_bytes > bytes.size() - sizeof(header)) changed("index header");
  if (header.crc != header_crc(header, bytes.subspan(sizeof(header), table_bytes))) changed("index header");
  sample_count_ = header.sample_count;
  read_sections(header.section_count);
  records_ = section(SectionId::records);
  rows_ = section(SectionId::rows);
  keys_ = section(SectionId::keys);
  entry_points_ = section(SectionId::entry_points);
  if (records_.size() != sample_count_ * sizeof(Record))
    fail("its index holds another number of records than samples");
}

void Shard::read_sections(uint32_t count) {
  const auto bytes = index_->bytes();
  sections_.resize(count);
  std::memcpy(sections_.data(), bytes.data() + sizeof(IndexHeader), count * sizeof(Section));
  for (const Section& section : sections_) {
    if (section.offset % alignof(Record) != 0 || section.offset > bytes.size() ||
        section.bytes > bytes.size() - section.offset) {
      throw Error(ErrorKind::shard, "'" + path() + "' has an index section outside the index");
    }
  }
}

std::span<const uint8_t> Shard::section(SectionId id) const {
  for (const Section& section : sections_) {
    if (section.id == id) return index_->bytes().subspan(section.offset, section.bytes);
  }
  return {};  // a section that an older writer did not know
}

std::span<const uint8_t> Shard::slice(std::span<const uint8_t> section, uint64_t first, uint64_t count,
                                      uint64_t entry_bytes, const char* what) const {
  if (first + count > section.size() / entry_bytes) {
    throw Error(ErrorKind::checksum,
                "'" + path() + "' is damaged: a record's " + what + " lie outside the index");
  }
  return section.subspan(first * entry_bytes, count * entry_bytes);
}

const Record& Shard::record(uint64_t sample) const {
  if (sample >= sample_count_) {
    throw Error(ErrorKind::index, "sample " + std::to_string(sample) + " of '" + path() + "', which has " +
                                      std::to_string(sample_count_));
  }
  const Record& record = reinterpret_cast<const Record*>(records_.data())[sample];
  const auto rows = slice(rows_, record.row_first, record.row_count, sizeof(RowEntry), "rows");
  const auto entries =
      slice(entry_points_, record.entry_first, record.entry_count, sizeof(EntryPoint), "entry points");
  const auto key = slice(keys_, record.key_offset, record.key_bytes, 1, "key");
  if (record.crc != record_crc(record, rows, entries, key)) {
    throw Error(ErrorKind::checksum, "'" + path() +
                                         "' is damaged: the checksum of the index record of sample " +
                                         std::to_string(sample) + " does not match");
  }
  return record;
}

std::span<const RowEntry> Shard::rows(const Record& record) const {
  return {reinterpret_cast<const RowEntry*>(rows_.data()) + record.row_first, record.row_count};
}

std::span<const EntryPoint> Shard::entry_points(const Record& record) const {
  return {reinterpret_cast<const EntryPoint*>(entry_points_.data()) + record.entry_first, record.entry_count};
}

std::string_view Shard::key(const Record& record) const {
  return {reinterpret_cast<const char*>(keys_.data()) + record.key_offset, record.key_bytes};
}

void Shard::fail_checksum(const std::string& what, uint64_t offset, const Record& record) const {
  throw Error(ErrorKind::checksum, "'" + path() + "' is damaged: " + what + " of sample '" +
                                       std::string(key(record)) + "' at byte " + std::to_string(offset) +
                                       " does not match its checksum");
}

void Shard::read_jpeg(const Record& record, std::vector<uint8_t>& out) const {
  out.resize(record.jpeg_bytes);
  file_.read_at(record.jpeg_offset, out);
  if (crc32c(out) != record.jpeg_crc) fail_checksum("the JPEG", record.jpeg_offset, record);
}

size_t Shard::read_rows(const Record& record, int row_begin, int row_end, std::vector<uint8_t>& out) const {
  const auto table = rows(record);
  const bool inside = row_begin >= 0 && row_begin < row_end && static_cast<size_t>(row_end) < table.size() &&
                      table[static_cast<size_t>(row_end)].end <= record.jpeg_bytes;
  // Ascending ends keep every piece inside the buffer, whoever wrote the table.
  if (!inside || !std::is_sorted(table.begin(), table.begin() + row_end + 1,
                                 [](const RowEntry& a, const RowEntry& b) { return a.end < b.end; })) {
    throw Error(ErrorKind::shard,
                "'" + path() + "' has a wrong row table for sample '" + std::string(key(record)) + "'");
  }
  const uint64_t header_bytes = table[0].end;
  const uint64_t begin = table[static_cast<size_t>(row_begin)].end;
  const uint64_t end = table[static_cast<size_t>(row_end)].end;
  out.resize(header_bytes + (end - begin));
  const std::span<uint8_t> all(out);
  // One read where the rows follow the header; the checks below are the same.
  if (begin == header_bytes) {
    file_.read_at(record.jpeg_offset, all);
  } else {
    file_.read_at(record.jpeg_offset, all.first(header_bytes));
    file_.read_at(record.jpeg_offset + begin, all.subspan(header_bytes));
  }
  if (crc32c(all.first(header_bytes)) != table[0].crc)
    fail_checksum("the JPEG header", record.jpeg_offset, record);
  uint64_t at = header_bytes;
  for (int row = row_begin; row < row_end; ++row) {
    const RowEntry& entry = table[static_cast<size_t>(row) + 1];
    const uint64_t bytes = entry.end - table[static_cast<size_t>(row)].end;
    if (crc32c(all.subspan(at, bytes)) != entry.crc) {
      fail_checksum("MCU row " + std::to_string(row), record.jpeg_offset + entry.end - bytes, record);
    }
    at += bytes;
  }
  return header_bytes;
}

void Shard::verify(uint64_t sample) const {
  const Record& record = this->record(sample);
  std::vector<uint8_t> jpeg;
  read_jpeg(record, jpeg);
  uint32_t begin = 0;
  for (const RowEntry& entry : rows(record)) {
    if (entry.end < begin || entry.end > jpeg.size() ||
        crc32c(std::span<const uint8_t>(jpeg).subspan(begin, entry.end - begin)) != entry.crc) {
      fail_checksum("a row", record.jpeg_offset + begin, record);
    }
    begin = entry.end;
  }
  // The tar around it, as the writer makes it.
  const std::string name(key(record));
  const std::string label = std::to_string(record.label);
  const uint64_t after = record.jpeg_offset + record.jpeg_bytes;
  std::string members(tar_padding(record.jpeg_bytes), '\0');
  members += text(make_tar_header(name + ".cls", label.size())) + label;
  members.resize(members.size() + tar_padding(label.size()), '\0');
  expect(after, members, "the .cls member", record);
  expect(record.jpeg_offset - kTarBlock, text(make_tar_header(name + ".jpg", record.jpeg_bytes)),
         "the tar header", record);
}

void Shard::expect(uint64_t offset, const std::string& bytes, const char* what, const Record& record) const {
  std::string actual(bytes.size(), '\0');
  file_.read_at(offset, {reinterpret_cast<uint8_t*>(actual.data()), actual.size()});
  if (actual != bytes) fail_checksum(what, offset, record);
}

void Shard::verify_index() const {
  for (const Section& section : sections_) {
    if (crc32c(index_->bytes().subspan(section.offset, section.bytes)) != section.crc) {
      throw Error(ErrorKind::checksum, "'" + path() + "' is damaged: index section " +
                                           std::to_string(static_cast<uint32_t>(section.id)) + " at byte " +
                                           std::to_string(members_end_ + kTarBlock + section.offset) +
                                           " does not match its checksum");
    }
  }
}

}  // namespace fastload::shard
