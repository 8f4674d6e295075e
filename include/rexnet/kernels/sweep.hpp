// SPDX-License-Identifier: MIT
// Passes over the pixels of a map: the running sum that means are made of, and the scale that squeeze-excite
// applies.
#ifndef REXNET_KERNELS_SWEEP_HPP
#define REXNET_KERNELS_SWEEP_HPP

#include "rexnet/kernels/table.hpp"
#include "rexnet/kernels/traits.hpp"
#include "rexnet/simd/math.hpp"

#include <cstddef>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// vector[ch] += every pixel's value, pixel after pixel.
template <class Arch>
void add_pixels(const sweep_args& a) noexcept {
  using vec = simd::vec<Arch>;
  constexpr int width = simd::width<Arch>;
  for (int ch = 0; ch < a.c; ch += width) {
    const int lanes = a.c - ch < width ? a.c - ch : width;
    vec sum = simd::load_first<Arch>(a.vector + ch, lanes);
    const float* p = a.map + ch;
    if (lanes == width)
      for (std::ptrdiff_t i = 0; i < a.pixels; ++i, p += a.step) sum = sum + simd::load<Arch>(p);
    else
      for (std::ptrdiff_t i = 0; i < a.pixels; ++i, p += a.step) sum = sum + simd::load_first<Arch>(p, lanes);
    simd::store_first<Arch>(a.vector + ch, sum, lanes);
  }
}

/// map = act(map * vector), in place.
template <class Arch>
void scale_pixels(const sweep_args& a) noexcept {
  REXNET_ASSERT(a.act != activation::silu && a.act != activation::sigmoid);
  using vec = simd::vec<Arch>;
  constexpr int width = simd::width<Arch>;
  const bool clip = a.act != activation::none;
  const vec upper = simd::broadcast<Arch>(upper_bound(a.act));
  const auto apply = [clip, &upper](const vec& v, const vec& s) REXNET_LAMBDA_INLINE {
    const vec scaled = v * s;
    return clip ? simd::min<Arch>(upper, simd::relu<Arch>(scaled)) : scaled;
  };
  float* map = a.map;
  const float* const scale = a.vector;
  const int c = a.c;
  for (std::ptrdiff_t i = 0; i < a.pixels; ++i, map += a.step) {
    int ch = 0;
    for (; ch + width <= c; ch += width)
      simd::store<Arch>(map + ch, apply(simd::load<Arch>(map + ch), simd::load<Arch>(scale + ch)));
    if (ch < c)
      simd::store_first<Arch>(
          map + ch,
          apply(simd::load_first<Arch>(map + ch, c - ch), simd::load_first<Arch>(scale + ch, c - ch)),
          c - ch);
  }
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_KERNELS_SWEEP_HPP
