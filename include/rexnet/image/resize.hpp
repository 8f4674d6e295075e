// SPDX-License-Identifier: MIT
// Antialiased resize, bit-exact with Pillow (Resample.c): double coefficients rounded to 22-bit fixed point,
// two passes with clipping to bytes between them, order of passes as Pillow 13.0 chooses it.
#ifndef REXNET_IMAGE_RESIZE_HPP
#define REXNET_IMAGE_RESIZE_HPP

#include "rexnet/image/pixels.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

enum class interpolation : std::uint8_t { bicubic, bilinear };

/// Which pass comes first. Pillow before 12.2 was always horizontal first: up to 8 grey levels
/// apart on photographs.
enum class pass_order : std::uint8_t { pillow_13, horizontal_first };

namespace detail {

/// Taps of every output position along one axis.
struct resample_taps {
  struct window {
    int first, count;
  };
  std::vector<window> windows;
  std::vector<std::int32_t> weights;  ///< [out][stride]
  int stride = 0;
};

[[nodiscard]] inline double filter_value(interpolation f, double x) noexcept {
  x = std::fabs(x);
  if (f == interpolation::bilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

/// Positions [begin, end) of the resampled axis only: the crop decides what is needed.
[[nodiscard]] inline resample_taps make_taps(int in, int out, interpolation f, int begin, int end) {
  const double scale = static_cast<double>(in) / out, filter_scale = (std::max)(scale, 1.0);
  const double support = (f == interpolation::bicubic ? 2.0 : 1.0) * filter_scale;
  resample_taps t;
  t.stride = static_cast<int>(std::ceil(support)) * 2 + 1;
  t.windows.resize(static_cast<std::size_t>(end - begin));
  t.weights.resize(static_cast<std::size_t>(end - begin) * static_cast<std::size_t>(t.stride));
  std::vector<double> w(static_cast<std::size_t>(t.stride));
  for (int i = begin; i < end; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = (std::max)(static_cast<int>(center - support + 0.5), 0);
    const int count = (std::min)(static_cast<int>(center + support + 0.5), in) - first;
    double sum = 0;
    for (int x = 0; x < count; ++x)
      sum += w[static_cast<std::size_t>(x)] =
          filter_value(f, (x + first - center + 0.5) * (1.0 / filter_scale));
    std::int32_t* row =
        t.weights.data() + static_cast<std::size_t>(i - begin) * static_cast<std::size_t>(t.stride);
    for (int x = 0; x < count; ++x) {
      double v = w[static_cast<std::size_t>(x)];
      if (sum != 0.0) v /= sum;
      row[x] = static_cast<std::int32_t>(v * (1 << 22) + (v < 0 ? -0.5 : 0.5));
    }
    t.windows[static_cast<std::size_t>(i - begin)] = {first, count};
  }
  return t;
}

[[nodiscard]] inline std::uint8_t clip8(std::int32_t v) noexcept {
  v >>= 22;
  return static_cast<std::uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
}

/// Rows of RGB bytes, wherever they come from.
struct byte_rows {
  const std::uint8_t* data;
  std::ptrdiff_t stride;
  [[nodiscard]] const std::uint8_t* row(int y) const noexcept { return data + y * stride; }
};

/// One row along x: taps windows over `in` (RGB), offset by `shift` pixels.
inline void resample_row(const std::uint8_t* in, int shift, const resample_taps& t,
                         std::uint8_t* out) noexcept {
  const std::int32_t* w = t.weights.data();
  for (const resample_taps::window& window : t.windows) {
    const std::uint8_t* p = in + (window.first - shift) * 3;
    std::int32_t r = 1 << 21, g = r, b = r;
    for (int k = 0; k < window.count; ++k, p += 3) {
      r += p[0] * w[k];
      g += p[1] * w[k];
      b += p[2] * w[k];
    }
    *out++ = clip8(r);
    *out++ = clip8(g);
    *out++ = clip8(b);
    w += t.stride;
  }
}

/// One row along y: `bytes` columns summed over the window's rows. Whole-row passes that compilers vectorise.
template <class Row>
void resample_column(const Row& row, const resample_taps& t, int position, std::int32_t* sums,
                     std::size_t bytes, std::uint8_t* out) noexcept {
  const resample_taps::window window = t.windows[static_cast<std::size_t>(position)];
  const std::int32_t* w =
      t.weights.data() + static_cast<std::size_t>(position) * static_cast<std::size_t>(t.stride);
  for (std::size_t i = 0; i < bytes; ++i) sums[i] = 1 << 21;
  for (int k = 0; k < window.count; ++k) {
    const std::uint8_t* in = row(window.first + k);
    const std::int32_t weight = w[k];
    for (std::size_t i = 0; i < bytes; ++i) sums[i] += in[i] * weight;
  }
  for (std::size_t i = 0; i < bytes; ++i) out[i] = clip8(sums[i]);
}

/// The rectangle [x0, x1) x [y0, y1) of `in` (RGB, w x h) resized to out_w x out_h.
[[nodiscard]] inline rgb_image resize_part(byte_rows in, int w, int h, int out_w, int out_h, int x0, int y0,
                                           int x1, int y1, interpolation f, pass_order order) {
  rgb_image out;
  out.width = x1 - x0;
  out.height = y1 - y0;
  const auto cols = static_cast<std::size_t>(out.width) * 3, rows = static_cast<std::size_t>(out.height);
  out.data.resize(cols * rows);
  const bool horizontal = w != out_w, vertical = h != out_h;
  const bool vertical_first = order == pass_order::pillow_13 && h - out_h > 0 && h - out_h > 2 * (w - out_w);
  const resample_taps tx = horizontal ? make_taps(w, out_w, f, x0, x1) : resample_taps{};
  const resample_taps ty = vertical ? make_taps(h, out_h, f, y0, y1) : resample_taps{};
  // Input columns and rows that the rectangle depends on.
  int left = x0, right = x1, top = y0, bottom = y1;
  if (horizontal) left = tx.windows.front().first, right = tx.windows.back().first + tx.windows.back().count;
  if (vertical) top = ty.windows.front().first, bottom = ty.windows.back().first + ty.windows.back().count;
  const auto across = [&](const std::uint8_t* source, int shift, std::uint8_t* target) {
    if (horizontal)
      resample_row(source, shift, tx, target);
    else
      std::copy_n(source + static_cast<std::ptrdiff_t>(x0 - shift) * 3, cols, target);
  };
  if (!vertical) {
    for (int y = 0; y < out.height; ++y)
      across(in.row(y0 + y), 0, out.data.data() + static_cast<std::size_t>(y) * cols);
    return out;
  }
  if (vertical_first) {
    const auto wide = static_cast<std::size_t>(right - left) * 3;
    std::vector<std::uint8_t> row(wide);
    std::vector<std::int32_t> sums(wide);
    for (int y = 0; y < out.height; ++y) {
      resample_column([&](int r) { return in.row(r) + static_cast<std::ptrdiff_t>(left) * 3; }, ty, y,
                      sums.data(), wide, row.data());
      across(row.data(), left, out.data.data() + static_cast<std::size_t>(y) * cols);
    }
    return out;
  }
  std::vector<std::uint8_t> narrow(static_cast<std::size_t>(bottom - top) * cols);
  for (int y = top; y < bottom; ++y)
    across(in.row(y), 0, narrow.data() + static_cast<std::size_t>(y - top) * cols);
  std::vector<std::int32_t> sums(cols);
  for (int y = 0; y < out.height; ++y)
    resample_column([&](int r) { return narrow.data() + static_cast<std::size_t>(r - top) * cols; }, ty, y,
                    sums.data(), cols, out.data.data() + static_cast<std::size_t>(y) * cols);
  return out;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_IMAGE_RESIZE_HPP
