// Where a loader's samples come from: shards, or files that nobody has prepared.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "image/geometry.hpp"
#include "jpeg/decoder.hpp"

namespace fastload::pipeline {

// What is known of a sample before its crop is drawn.
struct SampleInfo {
  int width, height;
  int32_t label;
  bool reducible;  // whether its decoder can decode it at a part of its size
};

// What the last sample cost.
struct Effort {
  size_t bytes_read = 0;
  bool whole = false;  // the image was read and decoded whole, because its rows cannot be read alone
  jpeg::Fallback fallback = jpeg::Fallback::none;
  bool foreign = false;  // it is no JPEG; `fallback` says nothing then
};

// One thread's way to the samples of a source: owns the memory between storage and pixels. A sample takes the
// calls in the order in which they stand here; each throws Error.
class SampleReader {
 public:
  SampleReader() = default;
  SampleReader(const SampleReader&) = delete;
  SampleReader& operator=(const SampleReader&) = delete;
  virtual ~SampleReader() = default;

  virtual SampleInfo open(uint64_t index) = 0;
  // The crop is one of the image reduced by `reduction` (see jpeg/reduction.hpp), which is 1 if it is not
  // reducible.
  virtual void read(const image::Rect& crop, int reduction) = 0;
  // The pixels of that crop, which stay valid (and may be written to) until the next open().
  virtual jpeg::Pixels& decode() = 0;

  [[nodiscard]] virtual Effort effort() const = 0;
};

// Immutable, shared by threads; outlives its readers.
class SampleSource {
 public:
  SampleSource() = default;
  SampleSource(const SampleSource&) = delete;
  SampleSource& operator=(const SampleSource&) = delete;
  virtual ~SampleSource() = default;

  // Where a sample lies, for messages.
  struct Place {
    std::string file, key;
    uint64_t offset = 0;  // of its image in the file
  };

  [[nodiscard]] virtual uint64_t size() const = 0;
  [[nodiscard]] virtual Place place(uint64_t index) const = 0;
  [[nodiscard]] virtual std::unique_ptr<SampleReader> reader() const = 0;
};

}  // namespace fastload::pipeline
