// Augmentation: what is drawn for a sample's pixels, after its crops and resizes.
#pragma once

#include <array>
#include <optional>
#include <variant>
#include <vector>

#include "image/erase.hpp"
#include "image/pixel_operation.hpp"
#include "image/store.hpp"
#include "pipeline/philox.hpp"

namespace fastload::pipeline {

using Range = std::array<double, 2>;

// Factors from these ranges (hue: turns, -0.5 .. 0.5), one after the other in random order.
struct ColorJitter {
  std::optional<Range> brightness, contrast, saturation, hue;
};

// A policy with equal chances, and all its steps: each one with its own chance, as one of its variants with
// equal chances.
struct RandomPolicy {
  struct Step {
    double p;
    std::vector<image::PixelOperation> variants;  // at least one
  };
  std::vector<std::vector<Step>> policies;  // at least one
};

// Principal components of colours (Krizhevsky et al., "ImageNet classification with deep convolutional neural
// networks", 2012, section 4.1): eigvec (alpha * eigval), alpha normal with this standard deviation.
struct Lighting {
  double alphastd;
  std::array<double, 3> eigval;
  std::array<std::array<double, 3>, 3> eigvec;  // rows are channels
};

// Zhong et al., "Random erasing data augmentation", 2017. `scale`: the rectangle's share of the area.
// `ratio`: height / width, log-uniform. No `value`: noise.
struct RandomErasing {
  double p;
  Range scale, ratio;
  std::optional<std::array<float, 3>> value;
};

using Augmenting = std::variant<ColorJitter, RandomPolicy, Lighting, RandomErasing>;

// What they drew for one sample. Who runs a drawing must run all of it, or refuse it if it is not empty().
struct Augmentation {
  std::vector<image::PixelOperation> pixels;  // on the last stage's output, before Drawing::flip
  std::optional<image::Light> light;          // at the store
  std::vector<image::Erasure> erasures;       // of the stored image

  [[nodiscard]] bool empty() const { return pixels.empty() && !light && erasures.empty(); }
  void clear();
};

// Draws for an image of this size. `flip`: whether it still has to be mirrored, in which case an operation
// that minds has it mirrored before.
void draw(const Augmenting& operation, int width, int height, RandomStream random, Augmentation& augmentation,
          bool& flip);

}  // namespace fastload::pipeline
