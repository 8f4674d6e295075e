// SPDX-License-Identifier: MIT
// Depthwise KxK convolution of one output row, K = 3 or 5, stride 1 or 2, padding K / 2.
//
//   rows     K pointers to pixel 0 of the input rows, null where a row lies outside the map
//   weights  [ceil(c / 16)][K * K][16], zero padded; bias [ceil(c / 16) * 16]
//   out      ow pixels
//
// A tile is one vector of channels by up to `depthwise_pixels` output pixels. Each input column is loaded
// once per kernel row and feeds every output that it touches. Missing taps at the border are left out, which
// is the same number as a padded zero. Order of the chain: bias, then taps by row and column.
#ifndef REXNET_KERNELS_DEPTHWISE_HPP
#define REXNET_KERNELS_DEPTHWISE_HPP

#include "rexnet/kernels/traits.hpp"
#include "rexnet/simd/math.hpp"

#include <cstddef>
#include <utility>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

struct depthwise_args {
  const float* const* rows = nullptr;
  int w = 0;                   ///< pixels of an input row
  std::ptrdiff_t in_step = 0;  ///< floats between input pixels
  const float* weights = nullptr;
  const float* bias = nullptr;
  float* out = nullptr;
  int ow = 0;
  std::ptrdiff_t out_step = 0;
  int c = 0;              ///< channels that may be read and written: exact, or padded to 8
  bool clip = false;      ///< ReLU6 on the output
  float* sums = nullptr;  ///< [c]: the row's outputs are added, pixel after pixel; or null
};

template <class Arch, int Kernel, int Stride>
struct depthwise_row {
  using vec = simd::vec<Arch>;
  static constexpr int width = simd::width<Arch>;
  static constexpr int pad = Kernel / 2;
  // No published ReXNet has 5x5 kernels: half the unrolling, half the code.
  static constexpr int max_pixels =
      Kernel == 3 ? kernel_traits<Arch>::depthwise_pixels : kernel_traits<Arch>::depthwise_pixels / 2;

  static void run(const depthwise_args& a) noexcept {
    for (int c = 0; c < a.c; c += width) {
      const int lanes = a.c - c < width ? a.c - c : width;
      if (lanes == width)
        channels<true>(a, c, lanes);
      else
        channels<false>(a, c, lanes);
    }
  }

 private:
  template <bool Full>
  static REXNET_ALWAYS_INLINE vec load(const float* p, int lanes) noexcept {
    return Full ? simd::load<Arch>(p) : simd::load_first<Arch>(p, lanes);
  }

  template <bool Full>
  static void channels(const depthwise_args& a, int c, int lanes) noexcept {
    vec sum = a.sums != nullptr ? load<Full>(a.sums + c, lanes) : simd::broadcast<Arch>(0.0f);
    const int tiles = (a.ow + max_pixels - 1) / max_pixels;
    const int pixels = a.ow / tiles, longer = a.ow % tiles;
    int x = 0;
    for (int t = 0; t < tiles; ++t) {
      const int count = pixels + (t < longer ? 1 : 0);
      dispatch<Full>(a, c, lanes, x, count, sum, std::make_index_sequence<max_pixels>{});
      x += count;
    }
    if (a.sums != nullptr) {
      if (Full)
        simd::store<Arch>(a.sums + c, sum);
      else
        simd::store_first<Arch>(a.sums + c, sum, lanes);
    }
  }

  template <bool Full, std::size_t... I>
  static REXNET_ALWAYS_INLINE void dispatch(const depthwise_args& a, int c, int lanes, int x, int count,
                                            vec& sum, std::index_sequence<I...>) noexcept {
    static_cast<void>(((count == static_cast<int>(I) + 1 &&
                        (pick_edge<Full, static_cast<int>(I) + 1>(a, c, lanes, x, sum), true)) ||
                       ...));
  }

  template <bool Full, int Pixels>
  static void pick_edge(const depthwise_args& a, int c, int lanes, int x, vec& sum) noexcept {
    const int first = x * Stride - pad, columns = (Pixels - 1) * Stride + Kernel;
    // Channels that end within a vector take the general tile everywhere, to save code.
    if (Full && first >= 0 && first + columns <= a.w)
      tile<Full, Pixels, !Full>(a, c, lanes, x, sum, std::make_index_sequence<Pixels>{});
    else
      tile<Full, Pixels, true>(a, c, lanes, x, sum, std::make_index_sequence<Pixels>{});
  }

  template <bool Full, int Pixels, bool Edge, std::size_t... P>
  static REXNET_ALWAYS_INLINE void tile(const depthwise_args& a, int c, int lanes, int x, vec& sum,
                                        std::index_sequence<P...>) noexcept {
    constexpr int columns = (Pixels - 1) * Stride + Kernel;
    const vec bias = simd::load<Arch>(a.bias + c);
    vec acc[] = {(static_cast<void>(P), bias)...};
    const float* taps =
        a.weights + static_cast<std::ptrdiff_t>(c / panel_c) * (Kernel * Kernel * panel_c) + c % panel_c;
    const int first = x * Stride - pad;
    for (int ky = 0; ky < Kernel; ++ky, taps += Kernel * panel_c) {
      if (a.rows[ky] == nullptr) continue;
      const float* p = a.rows[ky] + first * a.in_step + c;
      row<Full, Pixels, Edge>(acc, p, a.in_step, lanes, taps, -first, a.w - first,
                              std::make_index_sequence<columns>{});
    }
    if (a.clip) ((acc[P] = simd::relu6<Arch>(acc[P])), ...);
    if (a.sums != nullptr) ((sum = sum + acc[P]), ...);
    float* out = a.out + x * a.out_step + c;
    if (Full)
      (simd::store<Arch>(out + static_cast<std::ptrdiff_t>(P) * a.out_step, acc[P]), ...);
    else
      (simd::store_first<Arch>(out + static_cast<std::ptrdiff_t>(P) * a.out_step, acc[P], lanes), ...);
  }

  /// One kernel row. Edge: only columns in [begin, end) exist.
  template <bool Full, int Pixels, bool Edge, std::size_t... Column>
  static REXNET_ALWAYS_INLINE void row(vec (&acc)[Pixels], const float* p, std::ptrdiff_t step, int lanes,
                                       const float* taps, int begin, int end,
                                       std::index_sequence<Column...>) noexcept {
    (column<Full, Pixels, Edge, static_cast<int>(Column)>(acc, p, step, lanes, taps, begin, end), ...);
  }
  template <bool Full, int Pixels, bool Edge, int Column>
  static REXNET_ALWAYS_INLINE void column(vec (&acc)[Pixels], const float* p, std::ptrdiff_t step, int lanes,
                                          const float* taps, int begin, int end) noexcept {
    if (Edge && (Column < begin || Column >= end)) return;
    const vec v = load<Full>(p + Column * step, lanes);
    add_taps<Pixels, Column>(acc, v, taps, std::make_index_sequence<Kernel>{});
  }
  template <int Pixels, int Column, std::size_t... Kx>
  static REXNET_ALWAYS_INLINE void add_taps(vec (&acc)[Pixels], const vec& v, const float* taps,
                                            std::index_sequence<Kx...>) noexcept {
    (add_tap<Pixels, Column, static_cast<int>(Kx)>(acc, v, taps), ...);
  }
  /// Output pixel (Column - Kx) / Stride takes this column through tap Kx.
  template <int Pixels, int Column, int Kx>
  static REXNET_ALWAYS_INLINE void add_tap(vec (&acc)[Pixels], const vec& v, const float* taps) noexcept {
    constexpr int offset = Column - Kx, pixel = offset / Stride;
    if constexpr (offset >= 0 && offset % Stride == 0 && pixel < Pixels)
      acc[pixel] = simd::fma<Arch>(v, simd::load<Arch>(taps + Kx * panel_c), acc[pixel]);
  }
};

/// Precondition: kernel 3 or 5, stride 1 or 2.
template <class Arch>
void depthwise(const depthwise_args& a, int kernel, int stride) noexcept {
  if (kernel == 3)
    stride == 1 ? depthwise_row<Arch, 3, 1>::run(a) : depthwise_row<Arch, 3, 2>::run(a);
  else
    stride == 1 ? depthwise_row<Arch, 5, 1>::run(a) : depthwise_row<Arch, 5, 2>::run(a);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_KERNELS_DEPTHWISE_HPP
