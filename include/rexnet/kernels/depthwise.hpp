// SPDX-License-Identifier: MIT
// Depthwise KxK convolution of some output rows, K = 3 or 5, stride 1 or 2, padding K / 2.
//
//   in       row iy of the input at in + iy % ring_rows * in_row, [w] pixels of in_step floats
//   weights  [ceil(c / 16)][K * K][16], zero padded; bias [ceil(c / 16) * 16]
//   out      row y at out + (y - first_y) * out_row, [ow] pixels of out_step floats
//
// A tile is one vector of channels by up to `depthwise_pixels` output pixels. Each input column is loaded
// once per kernel row and feeds every output that it touches. Missing taps at the border are left out, which
// is the same number as a padded zero: for K = 3 the tile's type knows which (a 7 x 7 map is all border; with
// tests at run time a block's expand and depthwise took 2 to 7 % longer there). Order of the chain: bias,
// then taps by row and column.
#ifndef REXNET_KERNELS_DEPTHWISE_HPP
#define REXNET_KERNELS_DEPTHWISE_HPP

#include "rexnet/kernels/table.hpp"
#include "rexnet/kernels/traits.hpp"
#include "rexnet/simd/math.hpp"

#include <cstddef>
#include <utility>

// Offsets within tiles and panels are small. NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result)
namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

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
  /// The input rows of an output row, null outside the map.
  struct input_rows {
    const float* row[Kernel];
  };
  /// What a tile needs beyond its type.
  struct tile_place {
    const depthwise_args& a;
    int c, lanes;
    input_rows in;
    float* out;   ///< pixel 0 of the row
    float upper;  ///< of the activation: 6, or infinity
  };
  using tile_function = void (*)(const tile_place&, int x, vec& sum) noexcept;

  template <bool Full>
  static REXNET_ALWAYS_INLINE vec load(const float* p, int lanes) noexcept {
    return Full ? simd::load<Arch>(p) : simd::load_first<Arch>(p, lanes);
  }

  /// All rows of one vector of channels, in tiles of two neighbouring lengths.
  template <bool Full>
  static void channels(const depthwise_args& a, int c, int lanes) noexcept {
    vec sum = a.sums != nullptr ? load<Full>(a.sums + c, lanes) : simd::broadcast<Arch>(0.0f);
    const int tiles = (a.ow + max_pixels - 1) / max_pixels;
    const int pixels = a.ow / tiles, longer = a.ow % tiles;
    const auto all = std::make_index_sequence<max_pixels>{};
    const float upper = upper_bound(a.act);
    for (int r = 0; r < a.rows; ++r) {
      tile_place place{a, c, lanes, {}, a.out + r * a.out_row + c, upper};
      for (int ky = 0; ky < Kernel; ++ky) {
        const int iy = (a.first_y + r) * Stride - pad + ky;
        place.in.row[ky] = iy >= 0 && iy < a.h ? a.in + iy % a.ring_rows * a.in_row + c : nullptr;
      }
      int x = 0;
      for (int t = 0; t < tiles; ++t) {
        const int count = pixels + (t < longer ? 1 : 0);
        const bool left = x * Stride<pad, right = (x + count - 1) * Stride - pad + Kernel> a.w;
        entry<Full>(count, left, right, all)(place, x, sum);
        x += count;
      }
    }
    if (a.sums != nullptr) {
      if (Full)
        simd::store<Arch>(a.sums + c, sum);
      else
        simd::store_first<Arch>(a.sums + c, sum, lanes);
    }
  }

  /// Which columns of a tile may be missing: none, the outermost at one side or both, or any.
  enum class border : unsigned char { none, left, right, both, any };

  template <bool Full, std::size_t... I>
  static tile_function entry(int count, bool left, bool right, std::index_sequence<I...>) noexcept {
    // Two columns can be missing with K = 5; channels that end within a vector are rare: one tile for all.
    if constexpr (Kernel == 3 && Full) {
      static constexpr tile_function table[4][max_pixels] = {
          {&tile<Full, static_cast<int>(I) + 1, border::none>...},
          {&tile<Full, static_cast<int>(I) + 1, border::left>...},
          {&tile<Full, static_cast<int>(I) + 1, border::right>...},
          {&tile<Full, static_cast<int>(I) + 1, border::both>...}};
      return table[(left ? 1 : 0) + (right ? 2 : 0)][count - 1];
    } else {
      static constexpr tile_function table[] = {&tile<Full, static_cast<int>(I) + 1, border::any>...};
      return table[count - 1];
    }
  }

  template <bool Full, int Pixels, border Border>
  static void tile(const tile_place& t, int x, vec& sum) noexcept {
    compute<Full, Pixels, Border>(t, x, sum, std::make_index_sequence<Pixels>{});
  }

  template <bool Full, int Pixels, border Border, std::size_t... P>
  static REXNET_ALWAYS_INLINE void compute(const tile_place& t, int x, vec& sum,
                                           std::index_sequence<P...>) noexcept {
    constexpr int columns = (Pixels - 1) * Stride + Kernel;
    const depthwise_args& a = t.a;
    const vec bias = simd::load<Arch>(a.bias + t.c);
    vec acc[] = {(static_cast<void>(P), bias)...};
    const float* taps =
        a.weights + static_cast<std::ptrdiff_t>(t.c / panel_c) * (Kernel * Kernel * panel_c) + t.c % panel_c;
    const int first = x * Stride - pad;
    for (int ky = 0; ky < Kernel; ++ky, taps += Kernel * panel_c) {
      if (t.in.row[ky] == nullptr) continue;
      row<Full, Pixels, Border>(acc, t.in.row[ky], first * a.in_step, a.in_step, t.lanes, taps, -first,
                                a.w - first, std::make_index_sequence<columns>{});
    }
    if (a.act != activation::none)
      ((acc[P] = simd::min<Arch>(simd::broadcast<Arch>(t.upper), simd::relu<Arch>(acc[P]))), ...);
    if (a.sums != nullptr) ((sum = sum + acc[P]), ...);
    float* out = t.out + x * a.out_step;
    if (Full)
      (simd::store<Arch>(out + static_cast<std::ptrdiff_t>(P) * a.out_step, acc[P]), ...);
    else
      (simd::store_first<Arch>(out + static_cast<std::ptrdiff_t>(P) * a.out_step, acc[P], t.lanes), ...);
  }

  /// One kernel row, of which column 0 stands `start` floats from p: before the map where it is missing.
  /// border::any: only columns in [begin, end) exist.
  template <bool Full, int Pixels, border Border, std::size_t... Column>
  static REXNET_ALWAYS_INLINE void row(vec (&acc)[Pixels], const float* p, std::ptrdiff_t start,
                                       std::ptrdiff_t step, int lanes, const float* taps, int begin, int end,
                                       std::index_sequence<Column...>) noexcept {
    (column<Full, Pixels, Border, static_cast<int>(Column)>(acc, p, start, step, lanes, taps, begin, end),
     ...);
  }
  template <bool Full, int Pixels, border Border, int Column>
  static REXNET_ALWAYS_INLINE void column(vec (&acc)[Pixels], const float* p, std::ptrdiff_t start,
                                          std::ptrdiff_t step, int lanes, const float* taps, int begin,
                                          int end) noexcept {
    constexpr int last = (Pixels - 1) * Stride + Kernel - 1;
    if constexpr (Column == 0 && (Border == border::left || Border == border::both)) return;
    if constexpr (Column == last && (Border == border::right || Border == border::both)) return;
    if (Border == border::any && (Column < begin || Column >= end)) return;
    const vec v = simd::in_register<Arch>(load<Full>(p + (start + Column * step), lanes));
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

template <class Arch>
void depthwise(const depthwise_args& a) noexcept {
  REXNET_ASSERT((a.kernel == 3 || a.kernel == 5) && (a.stride == 1 || a.stride == 2));
  REXNET_ASSERT(a.ring_rows >= 1 && a.first_y >= 0 && a.ow == (a.w + a.stride - 1) / a.stride);
  REXNET_ASSERT(a.act != activation::silu && a.act != activation::sigmoid);
  if (a.kernel == 3)
    a.stride == 1 ? depthwise_row<Arch, 3, 1>::run(a) : depthwise_row<Arch, 3, 2>::run(a);
  else
    a.stride == 1 ? depthwise_row<Arch, 5, 1>::run(a) : depthwise_row<Arch, 5, 2>::run(a);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet
// NOLINTEND(bugprone-implicit-widening-of-multiplication-result)

#endif  // REXNET_KERNELS_DEPTHWISE_HPP
