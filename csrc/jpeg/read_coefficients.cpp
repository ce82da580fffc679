#include "jpeg/read_coefficients.hpp"

#include <algorithm>
#include <numeric>

namespace fastload::jpeg {
namespace {

void reduce(uint8_t* factors, int components) {
  const int divisor =
      std::accumulate(factors, factors + components, 0, [](int a, int b) { return std::gcd(a, b); });
  for (int c = 0; c < components; ++c) factors[c] = static_cast<uint8_t>(factors[c] / divisor);
}

ColorSpace color_space(J_COLOR_SPACE space) {
  switch (space) {
    case JCS_GRAYSCALE:
      return ColorSpace::gray;
    case JCS_YCbCr:
      return ColorSpace::ycbcr;
    case JCS_RGB:
      return ColorSpace::rgb;
    default:
      return ColorSpace::unknown;
  }
}

}  // namespace

Coefficients read_frame(const Decompressor& in) {
  const jpeg_decompress_struct& info = in.info;
  Coefficients image;
  image.layout.width = static_cast<int>(info.image_width);
  image.layout.height = static_cast<int>(info.image_height);
  image.layout.components = info.num_components;
  image.color_space = color_space(info.jpeg_color_space);
  if (info.saw_JFIF_marker) image.density = {info.density_unit, info.X_density, info.Y_density};
  image.planes.resize(static_cast<size_t>(info.num_components));
  for (int c = 0; c < info.num_components; ++c) {
    image.layout.h[c] = static_cast<uint8_t>(info.comp_info[c].h_samp_factor);
    image.layout.v[c] = static_cast<uint8_t>(info.comp_info[c].v_samp_factor);
  }
  reduce(image.layout.h, info.num_components);
  reduce(image.layout.v, info.num_components);
  return image;
}

Coefficients read_coefficients(Decompressor& in) {
  jpeg_decompress_struct& info = in.info;
  jvirt_barray_ptr* arrays = nullptr;
  in.guarded([&] { arrays = jpeg_read_coefficients(&info); });

  Coefficients image = read_frame(in);
  for (int c = 0; c < info.num_components; ++c) {
    const jpeg_component_info& component = info.comp_info[c];
    Plane& plane = image.planes[static_cast<size_t>(c)];
    plane.columns = static_cast<int>(component.width_in_blocks);
    plane.rows = static_cast<int>(component.height_in_blocks);
    plane.block_rows.resize(component.height_in_blocks);
    // A component without a scan has no table, and no coefficient that it would scale.
    plane.quantization.fill(1);
    if (component.quant_table != nullptr)
      std::copy_n(component.quant_table->quantval, kBlockSize, plane.quantization.data());
    in.guarded([&] {
      // libjpeg keeps these arrays in memory as a whole, so that the pointers stay valid.
      for (JDIMENSION y = 0; y < component.height_in_blocks; ++y) {
        JBLOCKARRAY rows =
            info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info), arrays[c], y, 1, FALSE);
        plane.block_rows[y] = rows[0][0];
      }
    });
  }
  return image;
}

}  // namespace fastload::jpeg
