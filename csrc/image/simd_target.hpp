// Which instruction set the SIMD kernels run with. Highway picks the best one that the processor has; tests
// force each in turn and check that it ran. Process-wide: not to be changed while another thread runs
// kernels.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fastload::image {

// Compiled in and supported by this processor, best first.
std::vector<std::string> simd_targets();

// The one that kernels run with, reported by a kernel.
std::string simd_target();

// Forces one of simd_targets(); an empty name goes back to the best. Throws Error(value) for any other name.
void set_simd_target(const std::string& name);

// The target by the file of kernels, each reported by a function of that file which is called as its kernels
// are.
std::map<std::string, std::string> simd_stages();

struct SimdStage {
  SimdStage(const char* file, int64_t (*target)()) noexcept;
};

}  // namespace fastload::image

// Every file of kernels has the first of these behind its kernels, and the second where it exports them.
#define FL_SIMD_STAGE_PER_TARGET()                    \
  HWY_BEFORE_NAMESPACE();                             \
  namespace fastload::HWY_NAMESPACE {                 \
  static int64_t StageTarget() { return HWY_TARGET; } \
  }                                                   \
  HWY_AFTER_NAMESPACE();
#define FL_SIMD_STAGE(file)                                              \
  namespace fastload {                                                   \
  namespace {                                                            \
  HWY_EXPORT(StageTarget);                                               \
  int64_t stage_target() { return HWY_DYNAMIC_DISPATCH(StageTarget)(); } \
  const image::SimdStage kStage(file, &stage_target);                    \
  }                                                                      \
  }
