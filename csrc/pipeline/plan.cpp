#include "pipeline/plan.hpp"

#include <cmath>

#include "error.hpp"
#include "jpeg/reduction.hpp"
#include "pipeline/random_rect.hpp"

namespace fastload::pipeline {
namespace {

using image::Rect;

// The largest reduction that leaves the crop at least as large as the resize's result.
int reduction_of(const Rect& crop, int width, int height) {
  int reduction = jpeg::kLargestReduction;
  while (reduction > 1 && (crop.width < width * reduction || crop.height < height * reduction))
    reduction /= 2;
  return reduction;
}

// The image as the operations so far have left it, with crops kept as numbers until pixels are needed.
class Canvas {
 public:
  Canvas(int width, int height, Drawing& drawing, bool reducible)
      : image_width_(width), image_height_(height), reducible_(reducible), drawing_(drawing) {
    drawing_.stages.clear();
    drawing_.flip = false;
    drawing_.augmentation.clear();
    start(width, height);
  }

  [[nodiscard]] int width() const { return stage().window.width; }
  [[nodiscard]] int height() const { return stage().window.height; }

  void crop(Rect rect) {
    // The pixels are not mirrored yet: take the crop's mirror image out of them.
    if (drawing_.flip) rect.x = width() - rect.x - rect.width;
    Stage& now = stage();
    now.window = {now.window.x + rect.x, now.window.y + rect.y, rect.width, rect.height};
    if (!now.resize) now.crop = now.window;
  }

  void resize(int width, int height, image::Filter filter, bool reduce) {
    if (width == this->width() && height == this->height()) return;
    if (stage().resize) start(this->width(), this->height());
    Stage& now = stage();
    now.mirror = drawing_.flip;
    drawing_.flip = false;
    now.resize = true;
    now.width = width;
    now.height = height;
    now.filter = filter;
    now.window = {0, 0, width, height};
    now.frame = now.crop;
    now.columns = now.crop.width;
    now.rows = now.crop.height;
    if (reduce && reducible_ && drawing_.stages.size() == 1) reduce_input();
  }

  void flip() { drawing_.flip = !drawing_.flip; }

  void augment(const Augmenting& operation, const RandomStream& random) {
    draw(operation, width(), height(), random, drawing_.augmentation, drawing_.flip);
  }

 private:
  [[nodiscard]] Stage& stage() const { return drawing_.stages.back(); }

  void start(int width, int height) {
    Stage next;
    next.crop = next.window = {0, 0, width, height};
    drawing_.stages.push_back(next);
  }

  // Only the decoder can: of the first stage.
  void reduce_input() {
    Stage& now = stage();
    now.reduction = reduction_of(now.crop, now.width, now.height);
    if (now.reduction == 1) return;
    const auto part = [&](int size, int begin, int count) {
      const double scale = 1.0 / now.reduction;
      return image::Extent(jpeg::reduced(size, now.reduction), begin * scale, (begin + count) * scale);
    };
    now.columns = part(image_width_, now.crop.x, now.crop.width);
    now.rows = part(image_height_, now.crop.y, now.crop.height);
    now.frame = {0, 0, now.columns.size, now.rows.size};
    if (now.mirror) {
      const double size = now.columns.size;
      now.columns = {now.columns.size, size - now.columns.end, size - now.columns.begin};
    }
  }

  const int image_width_, image_height_;
  const bool reducible_;
  Drawing& drawing_;
};

// torchvision.transforms.RandomResizedCrop.get_params: ten tries, then the central crop of the nearest ratio.
Rect random_resized_crop(const RandomResizedCrop& op, int width, int height, RandomStream random) {
  const double area = static_cast<double>(width) * height;
  const double log_low = std::log(op.ratio[0]), log_high = std::log(op.ratio[1]);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * random.uniform(op.scale[0], op.scale[1]);
    const double ratio = std::exp(random.uniform(log_low, log_high));
    const int w = round_half_even(std::sqrt(target * ratio));
    const int h = round_half_even(std::sqrt(target / ratio));
    if (w < 1 || w > width || h < 1 || h > height) continue;
    return random_place(w, h, width, height, random);
  }
  const double ratio = static_cast<double>(width) / height;
  int w = width, h = height;
  if (ratio < op.ratio[0]) {
    h = round_half_even(w / op.ratio[0]);
  } else if (ratio > op.ratio[1]) {
    w = round_half_even(h * op.ratio[1]);
  }
  return {(width - w) / 2, (height - h) / 2, w, h};
}

void check_fits(const char* name, int width, int height, const Canvas& canvas) {
  if (width <= canvas.width() && height <= canvas.height()) return;
  throw Error(ErrorKind::transform,
              std::string(name) + " of " + std::to_string(width) + " x " + std::to_string(height) +
                  " is larger than the image of " + std::to_string(canvas.width()) + " x " +
                  std::to_string(canvas.height()) + " (width x height); resize before it");
}

struct Apply {
  Canvas& canvas;
  RandomStream random;

  void operator()(const RandomResizedCrop& op) {
    canvas.crop(random_resized_crop(op, canvas.width(), canvas.height(), random));
    canvas.resize(op.width, op.height, op.filter, op.reduce);
  }

  void operator()(const ResizeTo& op) { canvas.resize(op.width, op.height, op.filter, op.reduce); }

  // torchvision's _compute_resized_output_size.
  void operator()(const ResizeShorterSide& op) {
    const bool portrait = canvas.width() <= canvas.height();
    const int shorter = portrait ? canvas.width() : canvas.height();
    const int longer = portrait ? canvas.height() : canvas.width();
    int new_shorter = op.size;
    int new_longer = static_cast<int>(static_cast<int64_t>(op.size) * longer / shorter);
    if (op.max_size > 0 && new_longer > op.max_size) {
      new_shorter = static_cast<int>(static_cast<int64_t>(op.max_size) * new_shorter / new_longer);
      new_longer = op.max_size;
    }
    if (new_shorter < 1) {
      throw Error(ErrorKind::transform, "Resize leaves no pixel of an image of " +
                                            std::to_string(canvas.width()) + " x " +
                                            std::to_string(canvas.height()));
    }
    canvas.resize(portrait ? new_shorter : new_longer, portrait ? new_longer : new_shorter, op.filter,
                  op.reduce);
  }

  void operator()(const CenterCrop& op) {
    check_fits("CenterCrop", op.width, op.height, canvas);
    canvas.crop({round_half_even((canvas.width() - op.width) / 2.0),
                 round_half_even((canvas.height() - op.height) / 2.0), op.width, op.height});
  }

  void operator()(const RandomCrop& op) {
    check_fits("RandomCrop", op.width, op.height, canvas);
    canvas.crop(random_place(op.width, op.height, canvas.width(), canvas.height(), random));
  }

  void operator()(const RandomHorizontalFlip& op) {
    if (random.uniform(0, 1) < op.p) canvas.flip();
  }

  void operator()(const Augmenting& op) { canvas.augment(op, random); }
};

}  // namespace

void Plan::draw(int width, int height, const RandomKey& key, Drawing& drawing, bool reducible) const {
  Canvas canvas(width, height, drawing, reducible);
  for (uint32_t k = 0; k < operations_.size(); ++k) {
    std::visit(Apply{canvas, RandomStream(key, k)}, operations_[k]);
  }
}

}  // namespace fastload::pipeline
