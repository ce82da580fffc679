// One sample's way from its source to its batch slot: open, draw, read, decode, resample, store.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "image/pixel_operator.hpp"
#include "image/resample.hpp"
#include "pipeline/plan.hpp"
#include "pipeline/source.hpp"

namespace fastload::pipeline {

// What all threads of a loader have done. Times are summed over threads.
struct Counters {
  std::atomic<uint64_t> samples{0}, bytes_read{0}, whole_images{0}, foreign{0};
  std::atomic<uint64_t> decoded[jpeg::kFallbacks] = {};  // by jpeg::Fallback
  std::atomic<uint64_t> read_ns{0}, decode_ns{0}, resample_ns{0}, store_ns{0};
};

// One per thread: owns every buffer that a sample needs on its way.
class SampleLoader {
 public:
  SampleLoader(const SampleSource& source, const Plan& plan, Counters& counters)
      : plan_(plan), counters_(counters), reader_(source.reader()) {}

  // Fills the slot with sample `index`, drawn by (seed, epoch, index), and returns its label. Throws Error.
  int32_t load(uint64_t index, uint64_t seed, uint32_t epoch, int slot_width, int slot_height, void* slot);

 private:
  image::Image resample(image::Image image, const image::Rect& decoded);
  void store(const image::ConstImage& image, void* slot) const;
  void count();

  const Plan& plan_;
  Counters& counters_;
  Drawing drawing_;
  std::unique_ptr<SampleReader> reader_;
  image::Resampler resampler_;
  image::PixelOperator operator_;
  std::vector<uint8_t> resized_[2];  // a stage's input may be the last stage's output
};

}  // namespace fastload::pipeline
