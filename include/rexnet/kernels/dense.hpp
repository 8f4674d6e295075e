// SPDX-License-Identifier: MIT
// The dense layer: one vector times packed panels.
//
//   in       [k]
//   weights  [ceil(out_c / 16)][k][16], zero padded; bias [ceil(out_c / 16) * 16]
//   out      [out_c]
#ifndef REXNET_KERNELS_DENSE_HPP
#define REXNET_KERNELS_DENSE_HPP

#include "rexnet/kernels/table.hpp"
#include "rexnet/kernels/traits.hpp"
#include "rexnet/simd/math.hpp"

#include <cstddef>
#include <utility>

// Offsets within tiles and panels are small. NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result)
namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Vectors consecutive vectors of outputs, all panels' weights streaming side by side: the layer is bound by
/// reading weights, so it wants many streams and enough accumulators to hide the FMA's latency (8 on AVX2).
template <class Arch, std::size_t... V>
REXNET_ALWAYS_INLINE void dense_vectors(const dense_args& a, int c, std::index_sequence<V...>) noexcept {
  using vec = simd::vec<Arch>;
  constexpr int width = simd::width<Arch>;
  const std::ptrdiff_t panel_size = static_cast<std::ptrdiff_t>(a.k) * panel_c;
  const float* w[] = {a.weights + (c + static_cast<int>(V) * width) / panel_c * panel_size +
                      (c + static_cast<int>(V) * width) % panel_c...};
  vec acc[] = {simd::load<Arch>(a.bias + c + static_cast<int>(V) * width)...};
  for (int i = 0; i < a.k; ++i) {
    const vec xi = simd::broadcast<Arch>(a.in[i]);
    ((acc[V] =
          simd::fma<Arch>(xi, simd::load<Arch>(w[V] + static_cast<std::ptrdiff_t>(i) * panel_c), acc[V])),
     ...);
  }
  switch (a.act) {
    case activation::none: break;
    case activation::relu: ((acc[V] = simd::relu<Arch>(acc[V])), ...); break;
    case activation::relu6: ((acc[V] = simd::relu6<Arch>(acc[V])), ...); break;
    case activation::sigmoid: ((acc[V] = simd::sigmoid<Arch>(acc[V])), ...); break;
    case activation::silu: break;  // no layer of one vector has it
  }
  const auto put = [&](int first, const vec& v) {
    const int lanes = a.out_c - first;
    if (lanes >= width)
      simd::store<Arch>(a.out + first, v);
    else if (lanes > 0)
      simd::store_first<Arch>(a.out + first, v, lanes);
  };
  (put(c + static_cast<int>(V) * width, acc[V]), ...);
}

/// out[first_c .. last_c) = act(bias + W in).
template <class Arch>
void dense(const dense_args& a) noexcept {
  REXNET_ASSERT(a.first_c % panel_c == 0 && (a.last_c == a.out_c || a.last_c % panel_c == 0));
  REXNET_ASSERT(a.act != activation::silu);
  constexpr int width = simd::width<Arch>;
  constexpr std::size_t panel_vectors = static_cast<std::size_t>(panel_c / width > 0 ? panel_c / width : 1);
  constexpr std::size_t many = panel_vectors == 4 ? 8 : 4 * panel_vectors;
  constexpr int many_c = static_cast<int>(many) * width;
  int c = a.first_c;
  for (; c + many_c <= round_up(a.last_c, panel_c); c += many_c)
    dense_vectors<Arch>(a, c, std::make_index_sequence<many>{});
  for (; c < a.last_c; c += panel_c) dense_vectors<Arch>(a, c, std::make_index_sequence<panel_vectors>{});
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet
// NOLINTEND(bugprone-implicit-widening-of-multiplication-result)

#endif  // REXNET_KERNELS_DENSE_HPP
