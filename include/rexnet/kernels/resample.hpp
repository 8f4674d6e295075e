// SPDX-License-Identifier: MIT
// The two inner loops of the resize, on raw pointers. Samples are bytes, weights 22-bit fixed point.
#ifndef REXNET_KERNELS_RESAMPLE_HPP
#define REXNET_KERNELS_RESAMPLE_HPP

#include "rexnet/kernels/table.hpp"

#include <cstddef>
#include <cstdint>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

[[nodiscard]] REXNET_ALWAYS_INLINE std::uint8_t clip8(std::int32_t v) noexcept {
  v >>= 22;
  return static_cast<std::uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
}

/// One output row along x.
/// @param in      RGB pixels; windows count from its first one
/// @param windows [pixels]
/// @param weights [pixels][step]: each window's, from the start of its row
/// @param out     [pixels][3]
inline void resample_row(const std::uint8_t* in, const resample_window* windows, const std::int32_t* weights,
                         int step, int pixels, std::uint8_t* out) noexcept {
  const resample_window* window = windows;
  for (int i = 0; i < pixels; ++i, ++window, weights += step) {
    const std::uint8_t* p = in + std::ptrdiff_t{window->first} * 3;
    const int count = window->count;
    std::int32_t r = 1 << 21, g = r, b = r;
    for (int k = 0; k < count; ++k, p += 3) {
      r += p[0] * weights[k];
      g += p[1] * weights[k];
      b += p[2] * weights[k];
    }
    *out++ = clip8(r);
    *out++ = clip8(g);
    *out++ = clip8(b);
  }
}

/// Columns that are summed at once: their number being known, g++ -O2 vectorises, too, and the sums stay in
/// registers. 4000 x 3000, a window of 47 rows, AVX2: 44 ms a pass with whole rows, 8 with this; SSE2 20.
inline constexpr int resample_columns = 64;

/// `columns` output bytes along y.
template <int columns>
inline void resample_block(const std::uint8_t* in, std::ptrdiff_t stride, const std::int32_t* weights,
                           int rows, std::uint8_t* out) noexcept {
  std::int32_t sums[columns];
  for (std::int32_t& sum : sums) sum = 1 << 21;
  for (int k = 0; k < rows; ++k, in += stride) {
    const std::int32_t weight = weights[k];
    for (int i = 0; i < columns; ++i) sums[i] += in[i] * weight;
  }
  for (int i = 0; i < columns; ++i) out[i] = clip8(sums[i]);
}

/// One output row along y: columns of `bytes` bytes summed over `rows` rows.
/// @param in      the window's first row; the next ones stand `stride` bytes apart
/// @param weights [rows]
/// @param out     [bytes]
inline void resample_column(const std::uint8_t* in, std::ptrdiff_t stride, const std::int32_t* weights,
                            int rows, std::ptrdiff_t bytes, std::uint8_t* out) noexcept {
  constexpr std::ptrdiff_t n = resample_columns;
  if (bytes < n) {
    for (std::ptrdiff_t i = 0; i < bytes; ++i) resample_block<1>(in + i, stride, weights, rows, out + i);
    return;
  }
  std::ptrdiff_t i = 0;
  for (; i + n <= bytes; i += n) resample_block<n>(in + i, stride, weights, rows, out + i);
  // The rest by way of a whole block, which writes some columns a second time.
  if (i < bytes) resample_block<n>(in + bytes - n, stride, weights, rows, out + bytes - n);
}

/// As this translation unit compiles them.
inline constexpr resample_kernels own_resample{&resample_row, &resample_column};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_KERNELS_RESAMPLE_HPP
