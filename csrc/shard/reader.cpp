#include "shard/reader.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "error.hpp"
#include "shard/crc32c.hpp"
#include "shard/tar.hpp"

namespace fastload::shard {
namespace {

constexpr uint64_t kEndOfArchive = 2 * kTarBlock;
constexpr char kChanged[] = " since it was indexed: run `fastload index` again";

std::string text(const TarHeader& header) { return {header.begin(), header.end()}; }

// A key that is followed from a folder must stay inside it, whoever wrote the index.
bool stays_inside(std::string_view key) {
  const std::filesystem::path path(key);
  return path.is_relative() && std::find(path.begin(), path.end(), "..") == path.end();
}

}  // namespace

// The file that a JPEG lies in, open while this lives.
class Shard::Source {
 public:
  Source(const Shard& shard, const Record& record) : begin_(record.jpeg_offset) {
    if (shard.archive_) {
      file_ = shard.archive_.get();
      return;
    }
    file_ = &own_.emplace(shard.file_of(record), File::Mode::read);
    if (const uint64_t size = file_->size(); size != record.jpeg_bytes) {
      throw Error(ErrorKind::checksum, "'" + file_->path() + "' has " + std::to_string(size) +
                                           " bytes, and had " + std::to_string(record.jpeg_bytes) +
                                           ": it changed" + kChanged);
    }
  }

  void read_at(uint64_t offset, std::span<uint8_t> out) const { file_->read_at(begin_ + offset, out); }

 private:
  uint64_t begin_;
  std::optional<File> own_;
  const File* file_;
};

Shard::Shard(const std::string& path) : path_(path) {
  if (std::filesystem::path(path).filename() == kIndexName) {
    open_folder();
  } else {
    open_archive();
  }
}

void Shard::open_archive() {
  archive_ = std::make_unique<File>(path_, File::Mode::read);
  const uint64_t size = archive_->size();
  const std::string sidecar = path_ + kIndexName;
  if (size > kEndOfArchive && Index::ends_at(*archive_, size - kEndOfArchive)) {
    index_ = std::make_unique<Index>(*archive_, size - kEndOfArchive);
    if (index_->kind() != IndexKind::member || index_->offset() < kTarBlock) {
      throw Error(ErrorKind::shard, "'" + path_ + "' ends in an index that is not of this archive");
    }
  } else if (std::filesystem::exists(sidecar)) {
    const File file(sidecar, File::Mode::read);
    index_ = std::make_unique<Index>(file, file.size());
    if (index_->kind() != IndexKind::sidecar) {
      throw Error(ErrorKind::shard, "'" + sidecar + "' is not the index of an archive");
    }
    if (index_->archive_bytes() != size) {
      throw Error(ErrorKind::shard, "'" + path_ + "' has " + std::to_string(size) + " bytes, and had " +
                                        std::to_string(index_->archive_bytes()) + ": it changed" + kChanged);
    }
  } else {
    throw Error(
        ErrorKind::shard,
        "'" + path_ + "' is not a complete fastload shard: it has " + std::to_string(size) +
            " bytes, at whose end no index is found, nor is there one beside it (interrupted, cut short, "
            "or a tar of another program: `fastload index` makes an index for that)");
  }
}

void Shard::open_folder() {
  const File file(path_, File::Mode::read);
  index_ = std::make_unique<Index>(file, file.size());
  if (index_->kind() != IndexKind::folder) {
    throw Error(ErrorKind::shard, "'" + path_ + "' is not the index of a folder of images");
  }
  folder_ = std::filesystem::absolute(path_).parent_path().string();
}

std::string Shard::file_of(const Record& record) const {
  if (archive_) return path_;
  const std::string_view name = key(record);
  if (!stays_inside(name)) {
    throw Error(ErrorKind::shard,
                "'" + path_ + "' has the key '" + std::string(name) + "', which leads out of the folder");
  }
  return folder_ + "/" + std::string(name);
}

void Shard::fail_checksum(const std::string& what, uint64_t offset, const Record& record) const {
  const bool indexed = index_->kind() != IndexKind::member;
  throw Error(ErrorKind::checksum, "'" + file_of(record) + "' " +
                                       (indexed ? std::string("changed") + kChanged : "is damaged") + ": " +
                                       what + " of sample '" + std::string(key(record)) + "' at byte " +
                                       std::to_string(offset) + " does not match its checksum");
}

void Shard::read_jpeg(const Record& record, std::vector<uint8_t>& out) const {
  const Source source(*this, record);
  out.resize(record.jpeg_bytes);
  source.read_at(0, out);
  if (crc32c(out) != record.jpeg_crc) fail_checksum("the JPEG", record.jpeg_offset, record);
}

size_t Shard::read_rows(const Record& record, int row_begin, int row_end, std::vector<uint8_t>& out) const {
  const auto table = rows(record);
  const bool inside = row_begin >= 0 && row_begin < row_end && static_cast<size_t>(row_end) < table.size() &&
                      table[static_cast<size_t>(row_end)].end <= record.jpeg_bytes;
  // Ascending ends keep every piece inside the buffer, whoever wrote the table.
  if (!inside || !std::is_sorted(table.begin(), table.begin() + row_end + 1,
                                 [](const RowEntry& a, const RowEntry& b) { return a.end < b.end; })) {
    throw Error(ErrorKind::shard, "'" + index_->path() + "' has a wrong row table for sample '" +
                                      std::string(key(record)) + "'");
  }
  const uint64_t header_bytes = table[0].end;
  const uint64_t begin = table[static_cast<size_t>(row_begin)].end;
  const uint64_t end = checked_end(record, table[static_cast<size_t>(row_end)], false);
  const Source source(*this, record);
  out.resize(header_bytes + (end - begin));
  const std::span<uint8_t> all(out);
  // One read where the rows follow the header; the checks below are the same.
  if (begin == header_bytes) {
    source.read_at(0, all);
  } else {
    source.read_at(0, all.first(header_bytes));
    source.read_at(begin, all.subspan(header_bytes));
  }
  if (crc32c(all.first(header_bytes)) != table[0].crc)
    fail_checksum("the JPEG header", record.jpeg_offset, record);
  for (int row = row_begin; row < row_end; ++row) {
    const RowEntry& entry = table[static_cast<size_t>(row) + 1];
    const uint64_t first = table[static_cast<size_t>(row)].end;
    const uint64_t bytes = checked_end(record, entry, false) - first;
    if (crc32c(all.subspan(header_bytes + (first - begin), bytes)) != entry.crc) {
      fail_checksum("MCU row " + std::to_string(row), record.jpeg_offset + first, record);
    }
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
        crc32c(std::span<const uint8_t>(jpeg).subspan(
            begin, checked_end(record, entry, begin == 0) - begin)) != entry.crc) {
      fail_checksum("a row", record.jpeg_offset + begin, record);
    }
    begin = entry.end;
  }
  static_cast<void>(entry_points(record));  // for its check
  if (index_->kind() == IndexKind::member) verify_members(record);
}

// The tar around a JPEG, as the writer makes it.
void Shard::verify_members(const Record& record) const {
  auto expect = [&](uint64_t offset, const std::string& bytes, const char* what) {
    std::string actual(bytes.size(), '\0');
    archive_->read_at(offset, {reinterpret_cast<uint8_t*>(actual.data()), actual.size()});
    if (actual != bytes) fail_checksum(what, offset, record);
  };
  const std::string name(key(record));
  const std::string label = std::to_string(record.label);
  std::string members(tar_padding(record.jpeg_bytes), '\0');
  members += text(make_tar_header(name + ".cls", label.size())) + label;
  members.resize(members.size() + tar_padding(label.size()), '\0');
  expect(record.jpeg_offset + record.jpeg_bytes, members, "the .cls member");
  expect(record.jpeg_offset - kTarBlock, text(make_tar_header(name + ".jpg", record.jpeg_bytes)),
         "the tar header");
}

}  // namespace fastload::shard
