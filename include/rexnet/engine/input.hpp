// SPDX-License-Identifier: MIT
// Where the stem takes its pixels from: normalised floats, or bytes that are normalised through a table.
#ifndef REXNET_ENGINE_INPUT_HPP
#define REXNET_ENGINE_INPUT_HPP

#include "rexnet/core/build.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// One image of h x w pixels with three channels, floats or (with `table`) bytes.
struct input_rows {
  const float* floats = nullptr;
  const std::uint8_t* bytes = nullptr;
  const float* table = nullptr;  ///< [256][3]: normalised value of byte v in channel c at 3 v + c
  int channel[3] = {0, 1, 2};    ///< where R, G and B stand within a pixel
  std::ptrdiff_t pixel_step = 3, row_step = 0;
  int h = 0, w = 0;

  /// Row y with one zero pixel at either end, 3 * (w + 2) floats; zeros outside the image. The network pads
  /// after normalisation, so these are zeros of the normalised values.
  void copy_padded(int y, float* out) const noexcept {
    const bool inside = y >= 0 && y < h;
    for (int c = 0; c < 3; ++c) out[c] = out[3 * (w + 1) + c] = 0.0f;
    out += 3;
    if (!inside) {
      for (int i = 0; i < 3 * w; ++i) out[i] = 0.0f;
    } else if (bytes != nullptr) {
      const std::uint8_t* p = bytes + y * row_step;
      for (int x = 0; x < w; ++x, p += pixel_step, out += 3)
        for (int c = 0; c < 3; ++c) out[c] = table[3 * p[channel[c]] + c];
    } else {
      const float* p = floats + y * row_step;
      if (pixel_step == 3) {
        std::memcpy(out, p, static_cast<std::size_t>(w) * 3 * sizeof(float));
        return;
      }
      for (int x = 0; x < w; ++x, p += pixel_step, out += 3)
        for (int c = 0; c < 3; ++c) out[c] = p[c];
    }
  }
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_INPUT_HPP
