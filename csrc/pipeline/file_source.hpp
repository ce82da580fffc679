// Samples that are a file each, as in an image folder. Baseline JPEGs are decoded here; all else (other
// formats, progressive and CMYK JPEGs, damaged data) by a decoder that the caller provides, which is the one
// that decides what such a file means, or that it is broken.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/source.hpp"

namespace fastload::pipeline {

// A file's bytes to its whole image. Called by many threads at a time. Throws Error.
using ForeignDecoder = std::function<void(jpeg::Bytes file, jpeg::Pixels& out)>;

class FileSource final : public SampleSource {
 public:
  // `paths`: one after the other, a zero byte behind each. Error(value) if there are not as many labels.
  FileSource(std::string paths, std::vector<int32_t> labels, ForeignDecoder decode);

  [[nodiscard]] uint64_t size() const override { return labels_.size(); }
  [[nodiscard]] Place place(uint64_t index) const override;
  [[nodiscard]] std::unique_ptr<SampleReader> reader() const override;

  // Error(index).
  [[nodiscard]] std::string_view path(uint64_t index) const;
  [[nodiscard]] int32_t label(uint64_t index) const { return labels_[index]; }
  [[nodiscard]] const ForeignDecoder& foreign_decoder() const { return decode_; }

 private:
  std::string paths_;
  std::vector<uint64_t> starts_;
  std::vector<int32_t> labels_;
  ForeignDecoder decode_;
};

}  // namespace fastload::pipeline
