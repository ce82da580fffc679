// The steps of a loader's transform list, as the user asked for them.
#pragma once

#include <variant>

#include "image/resample.hpp"
#include "pipeline/augmentation.hpp"

namespace fastload::pipeline {

// `reduce`, of resizes: whether the image may be decoded at a part of its size where the resize shrinks it.
struct RandomResizedCrop {
  int height, width;
  double scale[2], ratio[2];
  image::Filter filter;
  bool reduce;
};
struct ResizeTo {
  int height, width;
  image::Filter filter;
  bool reduce;
};
struct ResizeShorterSide {
  int size;
  int max_size;  // of the longer side; 0: no limit
  image::Filter filter;
  bool reduce;
};
struct CenterCrop {
  int height, width;
};
struct RandomCrop {
  int height, width;
};
struct RandomHorizontalFlip {
  double p;
};
using Operation = std::variant<RandomResizedCrop, ResizeTo, ResizeShorterSide, CenterCrop, RandomCrop,
                               RandomHorizontalFlip, Augmenting>;

}  // namespace fastload::pipeline
