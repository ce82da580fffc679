// Samples that are the bytes of an image file each, and that nobody has looked at before. Baseline JPEGs are
// decoded here; all else (other formats, progressive and CMYK JPEGs, damaged data) by a decoder that the
// caller provides, which is the one that decides what such bytes mean, or that they are broken.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "pipeline/source.hpp"

namespace fastload::pipeline {

// An image file's bytes to its whole image. Called by many threads at a time. Throws Error.
using ForeignDecoder = std::function<void(jpeg::Bytes file, jpeg::Pixels& out)>;

class EncodedSource : public SampleSource {
 public:
  // `upright`: images are to be turned as their EXIF (or XMP) orientation says, which the foreign decoder
  // does.
  EncodedSource(std::vector<int32_t> labels, ForeignDecoder decode, bool upright = false)
      : labels_(std::move(labels)), decode_(std::move(decode)), upright_(upright) {}

  [[nodiscard]] uint64_t size() const final { return labels_.size(); }
  [[nodiscard]] std::unique_ptr<SampleReader> reader() const final;

  // The bytes of a sample: in `buffer` if they are not in memory anyway. Error(index, io).
  virtual jpeg::Bytes read(uint64_t index, std::vector<uint8_t>& buffer) const = 0;
  [[nodiscard]] int32_t label(uint64_t index) const { return labels_[index]; }
  [[nodiscard]] const ForeignDecoder& foreign_decoder() const { return decode_; }
  [[nodiscard]] bool upright() const { return upright_; }

 protected:
  void check(uint64_t index) const;  // Error(index)

 private:
  std::vector<int32_t> labels_;
  ForeignDecoder decode_;
  bool upright_;
};

}  // namespace fastload::pipeline
