// Samples that are a file each, as in an image folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/encoded_source.hpp"

namespace fastload::pipeline {

class FileSource final : public EncodedSource {
 public:
  // `paths`: one after the other, a zero byte behind each. Error(value) if there are not as many labels.
  // `upright`: see EncodedSource.
  FileSource(std::string paths, std::vector<int32_t> labels, ForeignDecoder decode, bool upright);

  [[nodiscard]] Place place(uint64_t index) const override;
  jpeg::Bytes read(uint64_t index, std::vector<uint8_t>& buffer) const override;

 private:
  [[nodiscard]] std::string_view path(uint64_t index) const;  // Error(index)

  std::string paths_;
  std::vector<uint64_t> starts_;
};

}  // namespace fastload::pipeline
