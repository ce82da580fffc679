// Samples whose image files lie in memory, as in the columns of a mapped Arrow table.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "pipeline/encoded_source.hpp"

namespace fastload::pipeline {

class MemorySource final : public EncodedSource {
 public:
  // `owner` keeps the memory alive; `upright` as in EncodedSource. Error(value) if there are not as many
  // labels as images.
  MemorySource(std::vector<jpeg::Bytes> images, std::vector<int32_t> labels,
               std::shared_ptr<const void> owner, ForeignDecoder decode, bool upright);

  // Nowhere but in memory: a sample is its index.
  [[nodiscard]] Place place(uint64_t /*index*/) const override { return {}; }
  jpeg::Bytes read(uint64_t index, std::vector<uint8_t>& buffer) const override;

 private:
  std::vector<jpeg::Bytes> images_;
  std::shared_ptr<const void> owner_;
};

}  // namespace fastload::pipeline
