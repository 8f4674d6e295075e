// SPDX-License-Identifier: MIT
// Depthwise KxK convolution of some output rows, K = 3 or 5, stride 1 or 2, padding K / 2.
//
//   in       row iy of the input at in + iy % ring_rows * in_row, [w] pixels of in_step floats
//   weights  [ceil(c / 16)][K * K][16], zero padded; bias [ceil(c / 16) * 16]
//   out      row y at out + (y - first_y) * out_row, [ow] pixels of out_step floats
//
// A tile is one vector of channels by up to `depthwise_pixels` output pixels. Each input column is loaded
// once per kernel row and feeds every output that it touches. Missing taps at the border are left out, which
// is the same number as a padded zero. Tiles within a row have a type that knows that all columns exist; the
// others test the first and the last column (K = 3) or every column (K = 5). Order of the chain: bias, then
// taps by row and column.
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
  using taps_sequence = std::make_index_sequence<Kernel>;

  static void run(const depthwise_args& a) noexcept {
    int c = 0;
    for (; c + width <= a.c; c += width) channels<true>(a, c, width);
    if (c < a.c) channels<false>(a, c, a.c - c);
  }

 private:
  /// Output pixels of a tile: half as many for each of two rare cases. No published ReXNet has 5x5 kernels,
  /// and its maps have whole vectors of channels.
  template <bool Full>
  static constexpr int max_pixels = kernel_traits<Arch>::depthwise_pixels / (Kernel == 3 ? 1 : 2) /
                                    (Full ? 1 : 2);

  /// Which of a tile's columns may lie outside the map.
  enum class border : unsigned char {
    none,
    ends,  ///< K = 3: the first and the last
    any
  };

  /// What a tile needs beyond its type.
  struct tile_place {
    const depthwise_args& a;
    int c, lanes;
    const float* rows[Kernel];  ///< the input rows of the output row; null outside the map
    float* out;                 ///< pixel 0 of the output row
    float upper;                ///< of the activation: 6, or infinity
  };
  using tile_function = void (*)(const tile_place&, int x, vec& sum) noexcept;

  template <bool Full>
  static REXNET_ALWAYS_INLINE vec load(const float* from, int lanes) noexcept {
    return Full ? simd::load<Arch>(from) : simd::load_first<Arch>(from, lanes);
  }
  template <bool Full>
  static REXNET_ALWAYS_INLINE void store(float* to, const vec& v, int lanes) noexcept {
    if (Full)
      simd::store<Arch>(to, v);
    else
      simd::store_first<Arch>(to, v, lanes);
  }

  /// All rows of one vector of channels, in tiles of two neighbouring lengths.
  template <bool Full>
  static void channels(const depthwise_args& a, int c, int lanes) noexcept {
    vec sum = a.sums != nullptr ? load<Full>(a.sums + c, lanes) : simd::broadcast<Arch>(0.0f);
    const int tiles = (a.ow + max_pixels<Full> - 1) / max_pixels<Full>;
    const int pixels = a.ow / tiles, longer = a.ow % tiles;
    const float upper = upper_bound(a.act);
    for (int r = 0; r < a.rows; ++r) {
      tile_place place{a, c, lanes, {}, a.out + r * a.out_row + c, upper};
      for (int ky = 0; ky < Kernel; ++ky) {
        const int iy = (a.first_y + r) * Stride - pad + ky;
        place.rows[ky] = iy >= 0 && iy < a.h ? a.in + iy % a.ring_rows * a.in_row + c : nullptr;
      }
      int x = 0;
      for (int t = 0; t < tiles; ++t) {
        const int count = pixels + (t < longer ? 1 : 0);
        const bool inside = x * Stride >= pad && (x + count - 1) * Stride - pad + Kernel <= a.w;
        entry<Full>(count, inside, std::make_index_sequence<max_pixels<Full>>{})(place, x, sum);
        x += count;
      }
    }
    if (a.sums != nullptr) store<Full>(a.sums + c, sum, lanes);
  }

  /// The kind of a tile. Only tiles with neighbours at both sides are without border. Rows of three tiles or
  /// more have no short ones: up to half of the longest, no type without border is made.
  template <bool Full>
  static constexpr border border_of(std::size_t pixels, bool inside) noexcept {
    if (Kernel != 3) return border::any;
    return Full && inside && 2 * pixels > max_pixels<Full> ? border::none : border::ends;
  }
  template <bool Full, std::size_t... I>
  static tile_function entry(int count, bool inside, std::index_sequence<I...>) noexcept {
    static constexpr tile_function table[2][sizeof...(I)] = {
        {&tile<Full, static_cast<int>(I) + 1, border_of<Full>(I + 1, false)>...},
        {&tile<Full, static_cast<int>(I) + 1, border_of<Full>(I + 1, true)>...}};
    return table[inside ? 1 : 0][count - 1];
  }

  template <bool Full, int Pixels, border Border>
  static void tile(const tile_place& t, int x, vec& sum) noexcept {
    compute<Full, Border>(t, x, sum, std::make_index_sequence<Pixels>{});
  }

  template <bool Full, border Border, std::size_t... P>
  static REXNET_ALWAYS_INLINE void compute(const tile_place& t, int x, vec& sum,
                                           std::index_sequence<P...>) noexcept {
    constexpr int columns = (static_cast<int>(sizeof...(P)) - 1) * Stride + Kernel;
    const depthwise_args& a = t.a;
    const vec bias = simd::load<Arch>(a.bias + t.c);
    vec acc[] = {(static_cast<void>(P), bias)...};
    const float* taps =
        a.weights + static_cast<std::ptrdiff_t>(t.c / panel_c) * (Kernel * Kernel * panel_c) + t.c % panel_c;
    // Column 0 of the tile stands before the map where it is missing.
    const int first = x * Stride - pad;
    for (int ky = 0; ky < Kernel; ++ky, taps += Kernel * panel_c) {
      if (t.rows[ky] == nullptr) continue;
      row<Full, Border>(acc, t.rows[ky], first * a.in_step, a.in_step, t.lanes, taps, -first, a.w - first,
                        std::make_index_sequence<columns>{}, taps_sequence{});
    }
    if (a.act != activation::none) {
      const vec upper = simd::broadcast<Arch>(t.upper);
      ((acc[P] = simd::min<Arch>(upper, simd::relu<Arch>(acc[P]))), ...);
    }
    if (a.sums != nullptr) ((sum = sum + acc[P]), ...);
    float* out = t.out + x * a.out_step;
    (store<Full>(out + static_cast<std::ptrdiff_t>(P) * a.out_step, acc[P], t.lanes), ...);
  }

  /// One kernel row, of which column 0 stands `start` floats from `in`. Only columns in [begin, end) exist.
  template <bool Full, border Border, int Pixels, std::size_t... Column, std::size_t... Kx>
  static REXNET_ALWAYS_INLINE void row(vec (&acc)[Pixels], const float* in, std::ptrdiff_t start,
                                       std::ptrdiff_t step, int lanes, const float* taps, int begin, int end,
                                       std::index_sequence<Column...>,
                                       std::index_sequence<Kx...> k) noexcept {
    const vec tap[] = {simd::load<Arch>(taps + static_cast<std::ptrdiff_t>(Kx) * panel_c)...};
    constexpr int last = static_cast<int>(sizeof...(Column)) - 1;
    ((exists<Border, static_cast<int>(Column), last>(begin, end)
          ? column<static_cast<int>(Column)>(
                acc,
                simd::in_register<Arch>(
                    load<Full>(in + (start + static_cast<std::ptrdiff_t>(Column) * step), lanes)),
                tap, k)
          : static_cast<void>(0)),
     ...);
  }
  template <border Border, int Column, int Last>
  static REXNET_ALWAYS_INLINE bool exists(int begin, int end) noexcept {
    if constexpr (Border == border::any) return Column >= begin && Column < end;
    if constexpr (Border == border::ends && Column == 0) return begin <= 0;
    if constexpr (Border == border::ends && Column == Last) return Last < end;
    return true;
  }
  /// Output pixel (Column - Kx) / Stride takes column `v` through tap Kx.
  template <int Column, int Pixels, std::size_t... Kx>
  static REXNET_ALWAYS_INLINE void column(vec (&acc)[Pixels], const vec& v, const vec (&tap)[Kernel],
                                          std::index_sequence<Kx...>) noexcept {
    (add_tap<Column, static_cast<int>(Kx)>(acc, v, tap[Kx]), ...);
  }
  template <int Column, int Kx, int Pixels>
  static REXNET_ALWAYS_INLINE void add_tap(vec (&acc)[Pixels], const vec& v, const vec& tap) noexcept {
    constexpr int offset = Column - Kx, pixel = offset / Stride;
    if constexpr (offset >= 0 && offset % Stride == 0 && pixel < Pixels)
      acc[pixel] = simd::fma<Arch>(v, tap, acc[pixel]);
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
