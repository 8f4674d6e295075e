// SPDX-License-Identifier: MIT
// Tile sizes per instruction set, and bounds of activations.
#ifndef REXNET_KERNELS_TRAITS_HPP
#define REXNET_KERNELS_TRAITS_HPP

#include "rexnet/core/activation.hpp"
#include "rexnet/core/padding.hpp"
#include "rexnet/simd/simd.hpp"

#include <limits>

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

// A constant, so that no unit calls a function of std for it.
inline constexpr float infinity = std::numeric_limits<float>::infinity();
/// What relu and relu6 have above: the kernels know both as one.
[[nodiscard]] constexpr float upper_bound(activation act) noexcept {
  return act == activation::relu6 ? 6.0f : infinity;
}

/// Register tiles of the pointwise kernel: `rows` pixels by two vectors, and `tail_rows` by one vector for
/// the last channels.
///  - AVX-512, 32 registers: 14 x 2 accumulators + 2 weight vectors, the pixel broadcast from memory.
///    14 divides the map sides 112, 56, 28 and 14 of a 224-pixel input.
///  - NEON64, 32 registers: 9 x 2 accumulators + 9 registers with four values of a pixel + 2 weight vectors
///    = 29, or 14 + 14 + 1. Two FMA ports of latency 4; 8 and 10 pixels are as fast on paper, but g++ spills
///    with 10 (bench/README.md).
///  - 16 registers with FMA (AVX2): 6 x 2 + 2 + 1 = 15. Two FMA ports of latency 4 need 8 in flight.
///  - SSE2, NEON: 4 x 2 + 2 + 1 broadcast + products without FMA.
template <class Arch>
struct kernel_traits {
  static constexpr bool wide_file = simd::registers<Arch> == 32;
  static constexpr bool has_wide_vectors = simd::width<Arch> >= 8;
  static constexpr int rows = wide_file ? (has_wide_vectors ? 14 : 9) : has_wide_vectors ? 6 : 4;
  static constexpr int tail_rows = wide_file ? 14 : has_wide_vectors ? 12 : 8;
  /// Output pixels of the depthwise kernel's tile: 8 accumulators + 3 or 5 weights + 1 input column.
  static constexpr int depthwise_pixels = has_wide_vectors || wide_file ? 8 : 6;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_KERNELS_TRAITS_HPP
