#include "shard/writer.hpp"

#include "error.hpp"
#include "shard/bytes.hpp"

namespace fastload::shard {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

}  // namespace

Writer::Writer(const std::string& path) : file_(path, File::Mode::create) {
  buffer_.reserve(2 * kBufferBytes);
}

void Writer::add(const SampleInfo& sample) {
  if (closed_) throw Error(ErrorKind::value, "'" + file_.path() + "' is closed");
  const std::string key(sample.key);
  if (key.empty() || key.find('.') != std::string::npos) {
    throw Error(ErrorKind::value, "key '" + key + "' is empty or has a dot");
  }
  const std::string label = std::to_string(sample.label);
  // All that may refuse the sample comes before the first byte of it.
  const TarHeader jpeg_header = make_tar_header(key + ".jpg", sample.jpeg.size());
  const TarHeader label_header = make_tar_header(key + ".cls", label.size());
  index_.add(sample, position_ + kTarBlock);
  put_member(jpeg_header, sample.jpeg);
  put_member(label_header, as_bytes(label));
}

void Writer::close() {
  if (closed_) return;
  closed_ = true;
  put(make_tar_header(kIndexName, index_.bytes()));
  index_.write({.kind = IndexKind::member, .index_offset = position_}, [this](auto bytes) { put(bytes); });
  put(std::vector<uint8_t>(2 * kTarBlock));  // end of archive
  flush();
  file_.sync();
  file_.close();
}

void Writer::put_member(const TarHeader& header, std::span<const uint8_t> bytes) {
  static constexpr uint8_t kZeros[kTarBlock] = {};
  put(header);
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
