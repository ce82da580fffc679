#include "pipeline/file_source.hpp"

#include "error.hpp"
#include "shard/file.hpp"

namespace fastload::pipeline {

FileSource::FileSource(std::string paths, std::vector<int32_t> labels, ForeignDecoder decode, bool upright)
    : EncodedSource(std::move(labels), std::move(decode), upright), paths_(std::move(paths)) {
  starts_.reserve(size() + 1);
  starts_.push_back(0);
  for (size_t end = paths_.find('\0'); end != std::string::npos; end = paths_.find('\0', end + 1)) {
    starts_.push_back(end + 1);
  }
  if (starts_.size() != size() + 1 || starts_.back() != paths_.size()) {
    throw Error(ErrorKind::value,
                std::to_string(starts_.size() - 1) + " paths for " + std::to_string(size()) + " labels");
  }
}

std::string_view FileSource::path(uint64_t index) const {
  check(index);
  return {paths_.data() + starts_[index], starts_[index + 1] - starts_[index] - 1};
}

jpeg::Bytes FileSource::read(uint64_t index, std::vector<uint8_t>& buffer) const {
  const shard::File file(std::string(path(index)), shard::File::Mode::read);
  buffer.resize(file.size());
  file.read_at(0, buffer);
  return buffer;
}

SampleSource::Place FileSource::place(uint64_t index) const {
  const std::string_view whole = path(index);
  const std::string_view name = whole.substr(whole.rfind('/') + 1);
  return {std::string(whole), std::string(name.substr(0, name.rfind('.'))), 0};
}

}  // namespace fastload::pipeline
