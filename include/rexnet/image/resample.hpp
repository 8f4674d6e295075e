// SPDX-License-Identifier: MIT
// The two inner loops of the resize, on raw pointers. Samples are bytes, weights 22-bit fixed point.
#ifndef REXNET_IMAGE_RESAMPLE_HPP
#define REXNET_IMAGE_RESAMPLE_HPP

#include "rexnet/core/build.hpp"

#include <cstddef>
#include <cstdint>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// The input samples [first, first + count) that an output sample is made of.
struct resample_window {
  int first, count;
};

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
  for (int i = 0; i < pixels; ++i, weights += step) {
    const std::uint8_t* p = in + windows[i].first * 3;
    const int count = windows[i].count;
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

/// One output row along y: `bytes` columns summed over `rows` rows. Whole-row loops that compilers vectorise.
/// @param in      the window's first row; the next ones stand `stride` bytes apart
/// @param weights [rows]
/// @param sums    scratch, [bytes]
/// @param out     [bytes]
inline void resample_column(const std::uint8_t* in, std::ptrdiff_t stride, const std::int32_t* weights,
                            int rows, std::int32_t* sums, std::size_t bytes, std::uint8_t* out) noexcept {
  for (std::size_t i = 0; i < bytes; ++i) sums[i] = 1 << 21;
  for (int k = 0; k < rows; ++k, in += stride) {
    const std::int32_t weight = weights[k];
    for (std::size_t i = 0; i < bytes; ++i) sums[i] += in[i] * weight;
  }
  for (std::size_t i = 0; i < bytes; ++i) out[i] = clip8(sums[i]);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_IMAGE_RESAMPLE_HPP
