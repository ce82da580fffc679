#include "image/simd_target.hpp"

#include "error.hpp"
#include "image/simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "image/simd_target.cpp"
#include <hwy/foreach_target.h>  // NOLINT(llvm-include-order): compiles the rest of this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastload::image::HWY_NAMESPACE {
static int64_t ThisTarget() { return HWY_TARGET; }
}  // namespace fastload::image::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastload::image {

HWY_EXPORT(ThisTarget);

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets())
    names.emplace_back(hwy::TargetName(target));
  return names;
}

std::string simd_target() { return hwy::TargetName(HWY_DYNAMIC_DISPATCH(ThisTarget)()); }

namespace {

std::map<std::string, int64_t (*)()>& stages() {
  static std::map<std::string, int64_t (*)()> known;
  return known;
}

}  // namespace

SimdStage::SimdStage(const char* file, int64_t (*target)()) noexcept { stages()[file] = target; }

std::map<std::string, std::string> simd_stages() {
  std::map<std::string, std::string> targets;
  for (const auto& [file, target] : stages()) targets[file] = hwy::TargetName(target());
  return targets;
}

void set_simd_target(const std::string& name) {
  if (name.empty()) return hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  std::string known;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name == hwy::TargetName(target)) return hwy::GetChosenTarget().Update(target);
    known += std::string(" ") + hwy::TargetName(target);
  }
  throw Error(ErrorKind::value, "SIMD target '" + name + "' is not one of this processor's:" + known);
}

}  // namespace fastload::image
#endif
