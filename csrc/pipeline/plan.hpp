// The transform list of a loader, compiled: what is drawn for a sample, and what it means for its pixels.
#pragma once

#include <vector>

#include "image/geometry.hpp"
#include "image/resample.hpp"
#include "image/store.hpp"
#include "pipeline/operation.hpp"
#include "pipeline/philox.hpp"

namespace fastload::pipeline {

// Crop, mirror, resize, crop again: any list of crops, flips and resizes is a list of these.
struct Stage {
  image::Rect crop;     // of the stage's input
  bool mirror = false;  // the crop, before it is resized
  bool resize = false;
  int reduction = 1;  // of the stage's input: that of the image's decode (see jpeg/reduction.hpp)
  // What the resize takes for its image, in pixels of the reduced input, and what it takes of that: all of
  // the crop, or a part of the whole input, with the crop's ends between pixels. Mirrored if the crop is.
  image::Rect frame;
  image::Extent columns = 0, rows = 0;
  int width = 0, height = 0;  // after the resize (of the crop where there is none)
  image::Filter filter = image::Filter::bilinear;
  image::Rect window;  // of the resized image: the stage's output
};

struct Drawing {
  std::vector<Stage> stages;  // at least one
  bool flip = false;          // of the last stage's output
  Augmentation augmentation;  // of that
  [[nodiscard]] const image::Rect& output() const { return stages.back().window; }
};

// Immutable, shared by threads.
class Plan {
 public:
  Plan(std::vector<Operation> operations, const image::StoreSpec& store)
      : operations_(std::move(operations)), store_(store), spec_(store) {}

  // Crop boxes and flips of one sample whose image has this size. Crop geometry, rounding included, is
  // torchvision's; the random numbers are our own. Error(transform) where an operation cannot be applied to
  // an image of this size.
  // `reducible`: whether this image can be decoded at a part of its size.
  void draw(int width, int height, const RandomKey& key, Drawing& drawing, bool reducible = true) const;

  [[nodiscard]] const image::Store& store() const { return store_; }
  [[nodiscard]] const image::StoreSpec& spec() const { return spec_; }

 private:
  std::vector<Operation> operations_;
  image::Store store_;
  image::StoreSpec spec_;
};

}  // namespace fastload::pipeline
