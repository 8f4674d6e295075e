// SPDX-License-Identifier: MIT
// The matrix product of the library: pixels times packed weight panels, with bias, activation and residual.
// The floats of a pixel come in segments of `run` floats: one for a 1x1 convolution; K of K * in_c floats,
// one per kernel row, for a KxK convolution over zero-padded rows.
//
//   pixels   segment s of pixel i: segment[s] + i * pixel_step, `run` floats
//   weights  [panels][segments * run][16], zero padded; aligned to 64 bytes
//   bias     [panels * 16]
//   out      pixel i: out + i * out_step
//
// Bit rule: an output element is one chain of FMAs over k in ascending order that starts at the bias. Tile
// height, tile width and the caller's split of pixels or channels do not change a bit.
#ifndef REXNET_KERNELS_POINTWISE_HPP
#define REXNET_KERNELS_POINTWISE_HPP

#include "rexnet/kernels/table.hpp"
#include "rexnet/kernels/traits.hpp"
#include "rexnet/simd/math.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

// Offsets within tiles and panels are small. NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result)
namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// each(f) with f the activation of a vector.
template <class Arch, class Each>
REXNET_ALWAYS_INLINE void with_activation(activation act, Each&& each) noexcept {
  using vec = simd::vec<Arch>;
  switch (act) {
    case activation::none: each([](const vec& v) REXNET_LAMBDA_INLINE { return v; }); break;
    case activation::relu: each([](const vec& v) REXNET_LAMBDA_INLINE { return simd::relu<Arch>(v); }); break;
    case activation::relu6:
      each([](const vec& v) REXNET_LAMBDA_INLINE { return simd::relu6<Arch>(v); });
      break;
    case activation::silu: each([](const vec& v) REXNET_LAMBDA_INLINE { return simd::silu<Arch>(v); }); break;
    case activation::sigmoid: break;  // no layer that is a product of matrices has it
  }
}

/// What follows the sums of a tile: activation, residual, and channels that end within a vector. One copy
/// for all tiles, through memory: unrolled into each tile it made a third of a network's code (238 kB, now
/// 164) and half of its compile time; the detour costs 0 to 3 % of the pass.
template <class Arch>
struct tile_epilogue {
  using vec = simd::vec<Arch>;
  static constexpr int width = simd::width<Arch>;

  const pointwise_args& a;
  std::ptrdiff_t pixel;
  int channel;
  int vectors;  ///< per pixel: 1 or 2

  /// @param sums [rows][vectors][width]
  REXNET_NOINLINE void run(const float* sums, int rows) const noexcept {
    with_activation<Arch>(a.act, [&](auto&& f) REXNET_LAMBDA_INLINE { each(sums, rows, f); });
  }

 private:
  /// Four vectors at a time hide the latency of a chain of a dozen FMAs and a division.
  template <class Function>
  REXNET_ALWAYS_INLINE void each(const float* sums, int rows, Function&& f) const noexcept {
    const int n = rows * vectors;
    int i = 0;
    for (; i + 4 <= n; i += 4, sums += 4 * width) {
      const vec v0 = f(simd::load<Arch>(sums)), v1 = f(simd::load<Arch>(sums + width)),
                v2 = f(simd::load<Arch>(sums + 2 * width)), v3 = f(simd::load<Arch>(sums + 3 * width));
      place(i, v0);
      place(i + 1, v1);
      place(i + 2, v2);
      place(i + 3, v3);
    }
    for (; i < n; ++i, sums += width) place(i, f(simd::load<Arch>(sums)));
  }
  REXNET_ALWAYS_INLINE void place(int i, vec v) const noexcept {
    const std::ptrdiff_t row = pixel + (vectors == 2 ? i / 2 : i);
    const int c = channel + (vectors == 2 ? i % 2 * width : 0);
    if (c < a.residual_c) {
      const float* r = a.residual + row * a.residual_step + c;
      v = v + (c + width <= a.residual_c ? simd::load<Arch>(r) : simd::load_first<Arch>(r, a.residual_c - c));
    }
    float* out = a.out + row * a.out_step + c;
    if (c + width <= a.out_c)
      simd::store<Arch>(out, v);
    else if (c < a.out_c)
      simd::store_first<Arch>(out, v, a.out_c - c);
  }
};

/// The activation of whole vectors, in place: `rows` pixels of Vectors vectors. Tiles leave their sums in the
/// output, and a few tiles later this loop, long enough to keep every port busy, passes over them in L1.
template <class Arch, int Vectors>
REXNET_NOINLINE void activate(float* out, std::ptrdiff_t step, std::ptrdiff_t rows, activation act) noexcept {
  with_activation<Arch>(act, [=](auto&& f) REXNET_LAMBDA_INLINE {
    float* p = out;
    constexpr int width = simd::width<Arch>;
    std::ptrdiff_t i = rows;
    for (; i > 1; i -= 2, p += 2 * step) {
      const auto v0 = f(simd::load<Arch>(p)), v2 = f(simd::load<Arch>(p + step));
      if constexpr (Vectors > 1) {
        const auto v1 = f(simd::load<Arch>(p + width)), v3 = f(simd::load<Arch>(p + step + width));
        simd::store<Arch>(p + width, v1);
        simd::store<Arch>(p + step + width, v3);
      }
      simd::store<Arch>(p, v0);
      simd::store<Arch>(p + step, v2);
    }
    for (; i > 0; --i, p += step)
      for (int v = 0; v < Vectors; ++v) simd::store<Arch>(p + v * width, f(simd::load<Arch>(p + v * width)));
  });
}

/// Where a tile reads its pixels: the first of every three, because [p], [p + step] and [p + 2 step] are x86
/// addresses without arithmetic.
template <int Rows>
struct pixel_rows {
  const float *p0, *p3, *p6, *p9, *p12;
  std::ptrdiff_t step;  ///< floats from a pixel to the next

  REXNET_ALWAYS_INLINE pixel_rows(const float* first, std::ptrdiff_t pixel_step) noexcept
      : p0(first), step(pixel_step) {
    // Only pixels that the tile has: a pointer to others might lie outside of the map.
    p3 = Rows > 3 ? simd::opaque(p0 + 3 * step) : p0;
    p6 = Rows > 6 ? simd::opaque(p3 + 3 * step) : p0;
    p9 = Rows > 9 ? simd::opaque(p6 + 3 * step) : p0;
    p12 = Rows > 12 ? simd::opaque(p9 + 3 * step) : p0;
  }
  /// Value k of pixel Row.
  template <std::size_t Row>
  [[nodiscard]] REXNET_ALWAYS_INLINE const float* at(std::ptrdiff_t k) const noexcept {
    static_assert(Row < 15);
    const float* p = Row < 3 ? p0 : Row < 6 ? p3 : Row < 9 ? p6 : Row < 12 ? p9 : p12;
    return p + (static_cast<std::ptrdiff_t>(Row % 3) * step + k);
  }
  REXNET_ALWAYS_INLINE void advance(int k) noexcept { p0 += k, p3 += k, p6 += k, p9 += k, p12 += k; }
};

/// One register tile: Rows pixels by Vectors vectors of output channels.
template <class Arch, int Rows, int Vectors>
struct pointwise_tile {
  using vec = simd::vec<Arch>;
  using pixels = pixel_rows<Rows>;
  static constexpr int width = simd::width<Arch>;
  using rows_sequence = std::make_index_sequence<Rows>;
  using all_sequence = std::make_index_sequence<Rows * Vectors>;

  vec acc[Rows * Vectors];

  /// @param pixel first pixel, @param channel first output channel (a multiple of the vector width)
  /// @param ahead address to prefetch from, 128 bytes every four k
  static void run(const pointwise_args& a, std::ptrdiff_t pixel, int channel, std::uintptr_t ahead) noexcept {
    pointwise_tile tile;
    tile.compute(a, pixel, channel, ahead);
    if (a.residual_c == 0 && channel + Vectors * width <= a.out_c) {
      tile.store(a.out + pixel * a.out_step + channel, a.out_step, all_sequence{});
    } else {
      alignas(64) float sums[Rows * Vectors * width];
      tile.store(sums, Vectors * width, all_sequence{});
      tile_epilogue<Arch>{a, pixel, channel, Vectors}.run(sums, Rows);
    }
  }

 private:
  static constexpr std::ptrdiff_t row_of(std::size_t i) noexcept {
    return static_cast<std::ptrdiff_t>(i) / Vectors;
  }
  static constexpr std::ptrdiff_t lane_of(std::size_t i) noexcept {
    return static_cast<std::ptrdiff_t>(i) % Vectors * width;
  }
  /// The weights of the vector of channels from `channel` on: a panel, and a lane of it.
  static const float* weight_column(const pointwise_args& a, int channel) noexcept {
    const std::ptrdiff_t panel_size = static_cast<std::ptrdiff_t>(a.segments) * a.run * panel_c;
    return a.weights + channel / panel_c * panel_size + channel % panel_c;
  }

  // Everything below is unrolled by index sequences, because g++ -O2 does not unroll loops and would keep
  // the accumulators in memory (3 times slower).
  REXNET_ALWAYS_INLINE void compute(const pointwise_args& a, std::ptrdiff_t pixel, int channel,
                                    std::uintptr_t ahead) noexcept {
    const float* w0 = weight_column(a, channel);
    const float* w1 = weight_column(a, channel + (Vectors - 1) * width);
    start(a.bias + channel, all_sequence{});
    for (int s = 0; s < a.segments; ++s) {
      pixels in(a.segment[s] + pixel * a.pixel_step, a.pixel_step);
      int k = a.run;
      for (; k >= 4; k -= 4) {
        REXNET_PREFETCH(ahead);
        REXNET_PREFETCH(ahead + 64);
        ahead += 128;
        if constexpr (simd::fma_lanes<Arch> == 4) {
          accumulate_lanes(in, w0, w1, rows_sequence{});
        } else {
          accumulate<0>(in, w0, w1, rows_sequence{});
          accumulate<1>(in, w0, w1, rows_sequence{});
          accumulate<2>(in, w0, w1, rows_sequence{});
          accumulate<3>(in, w0, w1, rows_sequence{});
        }
        in.advance(4), w0 += 4 * panel_c, w1 += 4 * panel_c;
      }
      for (; k > 0; --k) {
        accumulate<0>(in, w0, w1, rows_sequence{});
        in.advance(1), w0 += panel_c, w1 += panel_c;
      }
    }
  }

  template <std::size_t... I>
  REXNET_ALWAYS_INLINE void start(const float* bias, std::index_sequence<I...>) noexcept {
    ((acc[I] = simd::load<Arch>(bias + lane_of(I))), ...);
  }

  template <std::size_t... I>
  REXNET_ALWAYS_INLINE void store(float* out, std::ptrdiff_t step, std::index_sequence<I...>) const noexcept {
    (simd::store<Arch>(out + row_of(I) * step + lane_of(I), acc[I]), ...);
  }

  /// Value K of every pixel, broadcast, times one vector of weights or two.
  template <int K, std::size_t... Row>
  REXNET_ALWAYS_INLINE void accumulate(const pixels& in, const float* w0, const float* w1,
                                       std::index_sequence<Row...>) noexcept {
    vec x;
    const vec first = simd::load<Arch>(w0 + K * panel_c);
    if constexpr (Vectors == 1) {
      ((x = simd::broadcast<Arch>(*in.template at<Row>(K)), acc[Row] = simd::fma<Arch>(x, first, acc[Row]),
        simd::keep_alive<Arch>(x)),
       ...);
    } else {
      const vec second = simd::load<Arch>(w1 + K * panel_c);
      ((x = simd::broadcast<Arch>(*in.template at<Row>(K)),
        acc[2 * Row] = simd::fma<Arch>(x, first, acc[2 * Row]),
        acc[2 * Row + 1] = simd::fma<Arch>(x, second, acc[2 * Row + 1]), simd::keep_alive<Arch>(x)),
       ...);
      simd::keep_alive<Arch>(second);
    }
    simd::keep_alive<Arch>(first);
  }

  /// Four k: each pixel is loaded once, its lanes multiply in turn (NEON64: fmla by element).
  template <std::size_t... Row>
  REXNET_ALWAYS_INLINE void accumulate_lanes(const pixels& in, const float* w0, const float* w1,
                                             std::index_sequence<Row...>) noexcept {
    const vec x[] = {simd::load<Arch>(in.template at<Row>(0))...};
    multiply_lane<0>(x, w0, w1, rows_sequence{});
    multiply_lane<1>(x, w0, w1, rows_sequence{});
    multiply_lane<2>(x, w0, w1, rows_sequence{});
    multiply_lane<3>(x, w0, w1, rows_sequence{});
  }
  template <int K, std::size_t... Row>
  REXNET_ALWAYS_INLINE void multiply_lane(const vec (&x)[Rows], const float* w0, const float* w1,
                                          std::index_sequence<Row...>) noexcept {
    const vec first = simd::load<Arch>(w0 + K * panel_c);
    ((acc[Row * Vectors] = simd::fma_lane<Arch, K>(x[Row], first, acc[Row * Vectors])), ...);
    if constexpr (Vectors > 1) {
      const vec second = simd::load<Arch>(w1 + K * panel_c);
      ((acc[Row * Vectors + 1] = simd::fma_lane<Arch, K>(x[Row], second, acc[Row * Vectors + 1])), ...);
    }
  }
};

using pointwise_function = void (*)(const pointwise_args&, std::ptrdiff_t, int, std::uintptr_t) noexcept;

template <class Arch, int Vectors, std::size_t... I>
constexpr pointwise_function pointwise_entry(std::size_t rows, std::index_sequence<I...>) noexcept {
  constexpr pointwise_function entries[] = {&pointwise_tile<Arch, static_cast<int>(I) + 1, Vectors>::run...};
  return entries[rows - 1];
}

/// Pixels [0, pixels) in tiles of nearly equal height, so that none has a single pixel beside full ones: 49 =
/// 13 + 3 * 12.
template <class Arch, int Vectors, int MaxRows>
void pointwise_column(const pointwise_args& a, int channel) noexcept {
  const std::ptrdiff_t pixels = a.pixels;
  const std::ptrdiff_t tiles = (pixels + MaxRows - 1) / MaxRows;
  const std::ptrdiff_t height = pixels / tiles, taller = pixels % tiles;
  // Weights come from L3 or memory, and a 7 x 7 map is done with them after four tiles: each of a column's
  // first four tiles fetches a quarter of the next two panels. (Zen 5, v1 1.0: 7 x 7 slices 56 to 75 % of the
  // bound, the whole pass 3 to 6 % less time.) Numbers, not pointers: the last ones lie behind the payload.
  const std::ptrdiff_t panel = static_cast<std::ptrdiff_t>(a.segments) * a.run * panel_c;
  const auto here = reinterpret_cast<std::uintptr_t>(a.weights + channel / panel_c * panel);
  const auto panel_bytes = static_cast<std::uintptr_t>(panel) * sizeof(float);
  const auto next = here + static_cast<std::uintptr_t>(a.ahead) * panel_bytes;
  std::ptrdiff_t pixel = 0;
  const auto sequence = std::make_index_sequence<MaxRows>{};
  const bool in_place =
      a.act != activation::none && a.residual_c == 0 && channel + Vectors * simd::width<Arch> <= a.out_c;
  std::ptrdiff_t active = 0;  // pixels before this one have passed the activation
  const auto run = [&](std::ptrdiff_t first, std::ptrdiff_t last, std::ptrdiff_t rows) {
    const pointwise_function tile = pointwise_entry<Arch, Vectors>(static_cast<std::size_t>(rows), sequence);
    for (std::ptrdiff_t t = first; t < last; ++t) {
      tile(a, pixel, channel, t < 4 ? next + static_cast<std::uintptr_t>(t) * panel_bytes / 2 : here);
      pixel += rows;
      if (in_place && (pixel - active >= 28 || pixel == pixels)) {
        activate<Arch, Vectors>(a.out + active * a.out_step + channel, a.out_step, pixel - active, a.act);
        active = pixel;
      }
    }
  };
  if (taller > 0) run(0, taller, height + 1);
  run(taller, tiles, height);
}

/// All pixels and the output channels [first_c, last_c).
template <class Arch>
void pointwise(const pointwise_args& a) noexcept {
  using traits = kernel_traits<Arch>;
  constexpr int width = simd::width<Arch>;
  REXNET_ASSERT(a.segments >= 1 && a.run >= 0 && a.first_c % panel_c == 0 && a.ahead >= 0);
  REXNET_ASSERT(a.last_c >= a.out_c || a.last_c % panel_c == 0);
  REXNET_ASSERT(a.act != activation::sigmoid && (a.residual != nullptr || a.residual_c == 0));
  if (a.pixels <= 0) return;
  const int last_c = a.last_c > a.out_c ? a.out_c : a.last_c;
  int c = a.first_c;
  for (; c + width < last_c; c += 2 * width) pointwise_column<Arch, 2, traits::rows>(a, c);
  if (c < last_c) pointwise_column<Arch, 1, traits::tail_rows>(a, c);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet
// NOLINTEND(bugprone-implicit-widening-of-multiplication-result)

#endif  // REXNET_KERNELS_POINTWISE_HPP
