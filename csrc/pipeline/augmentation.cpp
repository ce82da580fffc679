#include "pipeline/augmentation.hpp"

#include <cmath>

#include "normal_quantile.hpp"
#include "pipeline/random_rect.hpp"

namespace fastload::pipeline {
namespace {

using image::PixelOperation;
using Kind = PixelOperation::Kind;

PixelOperation operation_of(Kind kind, double value) {
  PixelOperation operation;
  operation.kind = kind;
  operation.value = value;
  return operation;
}

struct Draw {
  int width, height;
  RandomStream random;
  Augmentation& augmentation;
  bool& flip;

  void operator()(const ColorJitter& op) {
    std::array<int, 4> order{0, 1, 2, 3};
    for (uint32_t k = 3; k > 0; --k) std::swap(order[k], order[random.below(k + 1)]);
    const auto factor = [&](const std::optional<Range>& range) {
      return range ? std::optional(random.uniform((*range)[0], (*range)[1])) : std::nullopt;
    };
    const std::optional<double> factors[4] = {factor(op.brightness), factor(op.contrast),
                                              factor(op.saturation), factor(op.hue)};
    constexpr Kind kKinds[4] = {Kind::brightness, Kind::contrast, Kind::saturation, Kind::hue};
    for (const int k : order) {
      const std::optional<double>& drawn = factors[k];
      if (!drawn) continue;
      // torchvision truncates hue to steps of 1/255, which wrap around modulo 256.
      const double value =
          kKinds[k] == Kind::hue ? static_cast<uint8_t>(static_cast<int>(*drawn * 255)) : *drawn;
      augmentation.pixels.push_back(operation_of(kKinds[k], value));
    }
  }

  void operator()(const RandomPolicy& op) {
    const auto one_of = [this](const auto& list) -> const auto& {
      return list[list.size() == 1 ? 0 : random.below(static_cast<uint32_t>(list.size()))];
    };
    for (const RandomPolicy::Step& step : one_of(op.policies)) {
      if (random.uniform(0, 1) >= step.p) continue;
      const PixelOperation& operation = one_of(step.variants);
      if (operation.kind == Kind::identity) continue;
      if (operation.kind == Kind::affine && flip) {
        augmentation.pixels.push_back(operation_of(Kind::mirror, 0));
        flip = false;
      }
      augmentation.pixels.push_back(operation);
    }
  }

  void operator()(const Lighting& op) {
    std::array<double, 3> weights;
    for (int k = 0; k < 3; ++k) weights[k] = normal_quantile(random.bits()) * op.alphastd * op.eigval[k];
    image::Light light;
    for (int c = 0; c < 3; ++c) {
      const auto& row = op.eigvec[c];
      light[c] = static_cast<float>(row[0] * weights[0] + row[1] * weights[1] + row[2] * weights[2]);
    }
    augmentation.light = light;
  }

  // torchvision.transforms.RandomErasing.get_params: ten tries, then nothing.
  void operator()(const RandomErasing& op) {
    if (random.uniform(0, 1) >= op.p) return;
    const double area = static_cast<double>(width) * height;
    const double log_low = std::log(op.ratio[0]), log_high = std::log(op.ratio[1]);
    for (int attempt = 0; attempt < 10; ++attempt) {
      const double target = area * random.uniform(op.scale[0], op.scale[1]);
      const double ratio = std::exp(random.uniform(log_low, log_high));
      const int h = round_half_even(std::sqrt(target * ratio));
      const int w = round_half_even(std::sqrt(target / ratio));
      if (h >= height || w >= width) continue;
      image::Erasure erasure;
      erasure.rect = random_place(w, h, width, height, random);
      erasure.noise = !op.value;
      for (int c = 0; c < 3 && op.value; ++c) erasure.value[c] = (*op.value)[c];
      const uint64_t upper = random.bits();
      erasure.key = upper << 32 | random.bits();
      augmentation.erasures.push_back(erasure);
      return;
    }
  }
};

}  // namespace

void Augmentation::clear() {
  pixels.clear();
  light.reset();
  erasures.clear();
}

void draw(const Augmenting& operation, int width, int height, RandomStream random, Augmentation& augmentation,
          bool& flip) {
  std::visit(Draw{width, height, random, augmentation, flip}, operation);
}

}  // namespace fastload::pipeline
