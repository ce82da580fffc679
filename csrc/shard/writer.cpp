#include "shard/writer.hpp"

#include <cstddef>
#include <cstring>
#include <limits>

#include "error.hpp"
#include "shard/crc32c.hpp"
#include "shard/tar.hpp"

namespace fastload::shard {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

template <class T>
std::span<const uint8_t> as_bytes(const T* first, size_t count) {
  return {reinterpret_cast<const uint8_t*>(first), count * sizeof(T)};
}

std::span<const uint8_t> as_bytes(std::string_view text) { return as_bytes(text.data(), text.size()); }

template <class T>
T narrow(uint64_t value, const char* what, std::string_view key) {
  if (value > static_cast<uint64_t>(std::numeric_limits<T>::max())) {
    throw Error(ErrorKind::value,
                std::string(what) + " of sample '" + std::string(key) + "' is too large for a shard");
  }
  return static_cast<T>(value);
}

}  // namespace

uint32_t record_crc(const Record& record, std::span<const uint8_t> rows,
                    std::span<const uint8_t> entry_points, std::span<const uint8_t> key) {
  uint32_t crc = crc32c(as_bytes(&record, 1).first(offsetof(Record, crc)));
  crc = crc32c(rows, crc);
  crc = crc32c(entry_points, crc);
  return crc32c(key, crc);
}

Writer::Writer(const std::string& path) : file_(path, File::Mode::create) {
  buffer_.reserve(2 * kBufferBytes);
}

void Writer::add(const SampleInfo& sample) {
  if (closed_) throw Error(ErrorKind::value, "'" + file_.path() + "' is closed");
  if (sample.key.empty() || sample.key.find('.') != std::string_view::npos) {
    throw Error(ErrorKind::value, "key '" + std::string(sample.key) + "' is empty or has a dot");
  }
  if (sample.components < 1 || sample.components > 3)
    throw Error(ErrorKind::value, "1 to 3 components expected");
  const std::string key(sample.key);
  Record record{};
  record.jpeg_offset = position_ + kTarBlock;
  record.jpeg_bytes = narrow<uint32_t>(sample.jpeg.size(), "JPEG", key);
  record.jpeg_crc = crc32c(sample.jpeg);
  record.label = sample.label;
  record.width = narrow<uint16_t>(static_cast<uint64_t>(sample.width), "width", key);
  record.height = narrow<uint16_t>(static_cast<uint64_t>(sample.height), "height", key);
  record.key_offset = narrow<uint32_t>(keys_.size(), "key offset", key);
  record.key_bytes = narrow<uint16_t>(key.size(), "key", key);
  record.restart_interval =
      narrow<uint16_t>(static_cast<uint64_t>(sample.restart_interval), "restart interval", key);
  record.row_first = narrow<uint32_t>(rows_.size(), "row table", key);
  record.row_count = static_cast<uint32_t>(sample.row_offsets.size());
  record.components = static_cast<uint8_t>(sample.components);
  for (int c = 0; c < sample.components; ++c) {
    record.sampling[c] = static_cast<uint8_t>(sample.h[c] << 4 | sample.v[c]);
  }
  record.orientation = static_cast<uint8_t>(sample.orientation);
  record.flags = sample.flags;
  uint32_t begin = 0;
  for (const uint32_t end : sample.row_offsets) {
    rows_.push_back({end, crc32c(sample.jpeg.subspan(begin, end - begin))});
    begin = end;
  }
  record.crc =
      record_crc(record, as_bytes(rows_.data() + record.row_first, record.row_count), {}, as_bytes(key));
  put_member(key + ".jpg", sample.jpeg);
  put_member(key + ".cls", as_bytes(std::to_string(sample.label)));
  keys_ += key;
  records_.push_back(record);
}

void Writer::close() {
  if (closed_) return;
  closed_ = true;
  put_member(kIndexName, build_index(position_ + kTarBlock));
  put(std::vector<uint8_t>(2 * kTarBlock));  // end of archive
  flush();
  file_.sync();
  file_.close();
}

std::vector<uint8_t> Writer::build_index(uint64_t index_offset) {
  struct Table {
    SectionId id;
    uint32_t entry_bytes;
    std::span<const uint8_t> bytes;
  };
  const Table tables[] = {{SectionId::records, sizeof(Record), as_bytes(records_.data(), records_.size())},
                          {SectionId::rows, sizeof(RowEntry), as_bytes(rows_.data(), rows_.size())},
                          {SectionId::keys, 1, as_bytes(keys_)},
                          {SectionId::entry_points, sizeof(EntryPoint), {}}};
  constexpr uint64_t kAlign = 64;
  std::vector<Section> sections;
  uint64_t at = sizeof(IndexHeader) + std::size(tables) * sizeof(Section);
  for (const Table& table : tables) {
    at = (at + kAlign - 1) / kAlign * kAlign;
    sections.push_back({table.id, table.entry_bytes, at, table.bytes.size(), crc32c(table.bytes), 0});
    at += table.bytes.size();
  }
  const uint64_t size = (at + sizeof(Trailer) + kTarBlock - 1) / kTarBlock * kTarBlock;

  std::vector<uint8_t> index(size);
  IndexHeader header{};
  header.magic = kIndexMagic;
  header.version = kVersion;
  header.section_count = static_cast<uint32_t>(sections.size());
  header.sample_count = records_.size();
  header.index_bytes = size;
  header.crc = crc32c(as_bytes(sections.data(), sections.size()), crc32c(as_bytes(&header, 1)));
  Trailer trailer{};
  trailer.magic = kTrailerMagic;
  trailer.version = kVersion;
  trailer.index_offset = index_offset;
  trailer.index_bytes = size;
  trailer.crc = crc32c(as_bytes(&trailer, 1).first(offsetof(Trailer, crc)));

  auto copy = [&](uint64_t to, std::span<const uint8_t> bytes) {
    if (!bytes.empty()) std::memcpy(index.data() + to, bytes.data(), bytes.size());
  };
  copy(0, as_bytes(&header, 1));
  copy(sizeof(header), as_bytes(sections.data(), sections.size()));
  for (size_t k = 0; k < sections.size(); ++k) copy(sections[k].offset, tables[k].bytes);
  copy(size - sizeof(trailer), as_bytes(&trailer, 1));
  return index;
}

void Writer::put_member(std::string_view name, std::span<const uint8_t> bytes) {
  static constexpr uint8_t kZeros[kTarBlock] = {};
  put(make_tar_header(name, bytes.size()));
  put(bytes);
  put({kZeros, static_cast<size_t>(tar_padding(bytes.size()))});
}

void Writer::put(std::span<const uint8_t> bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  position_ += bytes.size();
  if (buffer_.size() >= kBufferBytes) flush();
}

void Writer::flush() {
  file_.write(buffer_);
  buffer_.clear();
}

}  // namespace fastload::shard
