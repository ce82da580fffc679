#include "cuda/values.hpp"

#include <cstring>

namespace fastload::cuda {

std::vector<uint32_t> value_table(const image::StoreSpec& spec) {
  constexpr int kBytes = 256;
  image::StoreSpec planar = spec;
  planar.channels_last = false;
  const image::Store store(planar);
  uint8_t ramp[kBytes * image::kChannels];
  for (int i = 0; i < kBytes * image::kChannels; ++i) ramp[i] = static_cast<uint8_t>(i / image::kChannels);
  const size_t size = image::size_of(spec.dtype);
  std::vector<uint8_t> stored(store.bytes(kBytes, 1));
  store({ramp, kBytes, 1, sizeof(ramp)}, false, stored.data());
  std::vector<uint32_t> values(kBytes * image::kChannels);
  for (size_t i = 0; i < values.size(); ++i) std::memcpy(&values[i], &stored[i * size], size);
  return values;
}

}  // namespace fastload::cuda
