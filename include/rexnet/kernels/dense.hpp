// SPDX-License-Identifier: MIT
// Kernels on a single vector of features and on whole maps: the dense layer (one row times packed panels),
// the running sum over pixels, and the scale that squeeze-excite applies.
#ifndef REXNET_KERNELS_DENSE_HPP
#define REXNET_KERNELS_DENSE_HPP

#include "rexnet/kernels/traits.hpp"
#include "rexnet/simd/math.hpp"

#include <cstddef>
#include <utility>

// Offsets within tiles and panels are small. NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result)
namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

enum class dense_activation : unsigned char { none, relu, relu6, sigmoid };

/// Vectors consecutive vectors of outputs, all panels' weights streaming side by side: the layer is bound by
/// reading weights, so it wants many streams and enough accumulators to hide the FMA's latency (8 on AVX2).
template <class Arch, std::size_t... V>
REXNET_ALWAYS_INLINE void dense_vectors(const float* x, int k, const float* weights, const float* bias,
                                        float* out, int out_c, int c, dense_activation act,
                                        std::index_sequence<V...>) noexcept {
  using vec = simd::vec<Arch>;
  constexpr int width = simd::width<Arch>;
  const std::ptrdiff_t panel_size = static_cast<std::ptrdiff_t>(k) * panel_c;
  const float* w[] = {weights + (c + static_cast<int>(V) * width) / panel_c * panel_size +
                      (c + static_cast<int>(V) * width) % panel_c...};
  vec acc[] = {simd::load<Arch>(bias + c + static_cast<int>(V) * width)...};
  for (int i = 0; i < k; ++i) {
    const vec xi = simd::broadcast<Arch>(x[i]);
    ((acc[V] =
          simd::fma<Arch>(xi, simd::load<Arch>(w[V] + static_cast<std::ptrdiff_t>(i) * panel_c), acc[V])),
     ...);
  }
  switch (act) {
    case dense_activation::none: break;
    case dense_activation::relu: ((acc[V] = simd::relu<Arch>(acc[V])), ...); break;
    case dense_activation::relu6: ((acc[V] = simd::relu6<Arch>(acc[V])), ...); break;
    case dense_activation::sigmoid: ((acc[V] = simd::sigmoid<Arch>(acc[V])), ...); break;
  }
  const auto put = [&](int first, const vec& v) {
    const int lanes = out_c - first;
    if (lanes >= width)
      simd::store<Arch>(out + first, v);
    else if (lanes > 0)
      simd::store_first<Arch>(out + first, v, lanes);
  };
  (put(c + static_cast<int>(V) * width, acc[V]), ...);
}

/// out[first_c .. last_c) = act(bias + W x). x: [k]; weights: [panels][k][16]; out: [out_c].
/// first_c is a multiple of 16; last_c, too, or out_c.
template <class Arch>
void dense(const float* x, int k, const float* weights, const float* bias, float* out, int out_c, int first_c,
           int last_c, dense_activation act) noexcept {
  constexpr int width = simd::width<Arch>;
  constexpr std::size_t panel_vectors = static_cast<std::size_t>(panel_c / width > 0 ? panel_c / width : 1);
  constexpr std::size_t many = panel_vectors == 4 ? 8 : 4 * panel_vectors;
  constexpr int many_c = static_cast<int>(many) * width;
  int c = first_c;
  for (; c + many_c <= round_up(last_c, panel_c); c += many_c)
    dense_vectors<Arch>(x, k, weights, bias, out, out_c, c, act, std::make_index_sequence<many>{});
  for (; c < last_c; c += panel_c)
    dense_vectors<Arch>(x, k, weights, bias, out, out_c, c, act, std::make_index_sequence<panel_vectors>{});
}

/// sums[ch] += every pixel's value, pixel after pixel. c: channels that may be read and written.
template <class Arch>
void add_pixels(const float* in, std::ptrdiff_t pixels, std::ptrdiff_t step, float* sums, int c) noexcept {
  using vec = simd::vec<Arch>;
  constexpr int width = simd::width<Arch>;
  for (int ch = 0; ch < c; ch += width) {
    const int lanes = c - ch < width ? c - ch : width;
    vec sum = simd::load_first<Arch>(sums + ch, lanes);
    const float* p = in + ch;
    if (lanes == width)
      for (std::ptrdiff_t i = 0; i < pixels; ++i, p += step) sum = sum + simd::load<Arch>(p);
    else
      for (std::ptrdiff_t i = 0; i < pixels; ++i, p += step) sum = sum + simd::load_first<Arch>(p, lanes);
    simd::store_first<Arch>(sums + ch, sum, lanes);
  }
}

/// map = relu6(map * scale), in place. scale: [c]; clip = false leaves out the ReLU6.
template <class Arch>
void scale_clip(float* map, std::ptrdiff_t pixels, std::ptrdiff_t step, const float* scale, int c,
                bool clip) noexcept {
  using vec = simd::vec<Arch>;
  constexpr int width = simd::width<Arch>;
  const auto apply = [clip](const vec& v, const vec& s) REXNET_LAMBDA_INLINE {
    const vec scaled = v * s;
    return clip ? simd::relu6<Arch>(scaled) : scaled;
  };
  for (std::ptrdiff_t i = 0; i < pixels; ++i, map += step) {
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
// NOLINTEND(bugprone-implicit-widening-of-multiplication-result)

#endif  // REXNET_KERNELS_DENSE_HPP
