// SPDX-License-Identifier: MIT
// How channels are padded: the layout constants that plan, packed weights and kernels share.
#ifndef REXNET_CORE_PADDING_HPP
#define REXNET_CORE_PADDING_HPP

#include "rexnet/core/build.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {

/// Output channels of a packed weight panel: weights are [ceil(out_c / 16)][k][16], zero padded.
inline constexpr int panel_c = 16;
/// Channels of a pixel are padded to this many floats in the network's own maps.
inline constexpr int pixel_pad = 8;

template <class T>
[[nodiscard]] constexpr T round_up(T value, int multiple) noexcept {
  const auto step = static_cast<T>(multiple);
  return (value + step - 1) / step * step;
}
[[nodiscard]] constexpr int padded_c(int channels) noexcept {
  return round_up(channels, pixel_pad);
}
/// Floats from pixel to pixel of a block's expanded map. Whole cache lines, because a vector of AVX-512 that
/// lies across two costs two loads (Zen 5: depthwise on a row of 56 pixels of 162 channels takes 1.9 us with
/// 168 floats a pixel, 1.3 to 1.6 with 176); an odd number of them, because a slice of channels writes its
/// lines of every pixel, and steps of 2 kB would send all to the same sets of a cache (504 channels padded to
/// 512: expand and depthwise 111 us, to 528 100 us).
[[nodiscard]] constexpr int mid_step(int channels) noexcept {
  return round_up(channels, panel_c) | panel_c;
}
[[nodiscard]] constexpr int panel_count(int channels) noexcept {
  return round_up(channels, panel_c) / panel_c;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_PADDING_HPP
