#include "pipeline/memory_source.hpp"

#include <string>

#include "error.hpp"

namespace fastload::pipeline {

MemorySource::MemorySource(std::vector<jpeg::Bytes> images, std::vector<int32_t> labels,
                           std::shared_ptr<const void> owner, ForeignDecoder decode, bool upright)
    : EncodedSource(std::move(labels), std::move(decode), upright),
      images_(std::move(images)),
      owner_(std::move(owner)) {
  if (images_.size() != size()) {
    throw Error(ErrorKind::value,
                std::to_string(images_.size()) + " images for " + std::to_string(size()) + " labels");
  }
}

jpeg::Bytes MemorySource::read(uint64_t index, std::vector<uint8_t>& /*buffer*/) const {
  check(index);
  return images_[index];
}

}  // namespace fastload::pipeline
