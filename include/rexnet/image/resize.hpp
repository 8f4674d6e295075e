// SPDX-License-Identifier: MIT
// Antialiased resize, bit-exact with Pillow (Resample.c): double coefficients rounded to 22-bit fixed point,
// two passes with clipping to bytes between them, order of passes as Pillow 13.0 chooses it.
//
// A resize_plan says what is read, what is kept and how much scratch that takes, as a constant expression;
// resize_into() does the work without allocating. Between the passes only the rows of a window exist.
#ifndef REXNET_IMAGE_RESIZE_HPP
#define REXNET_IMAGE_RESIZE_HPP

#include "rexnet/image/pixels.hpp"
#include "rexnet/kernels/resample.hpp"

#include <cstdint>
#include <cstring>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

enum class interpolation : std::uint8_t { bicubic, bilinear };

/// Which pass comes first. Pillow before 12.2 was always horizontal first: up to 8 grey levels
/// apart on photographs.
enum class pass_order : std::uint8_t { pillow_13, horizontal_first };

namespace detail {

/// One direction of a resize, from `in` samples to `out`.
struct resample_axis {
  int in = 1, out = 1;
  interpolation filter = interpolation::bicubic;
  double scale = 1, filter_scale = 1, support = 1;
  int taps = 1;  ///< no window has more

  constexpr resample_axis() noexcept = default;
  constexpr resample_axis(int in_, int out_, interpolation f) noexcept
      : in(in_), out(out_), filter(f), scale(static_cast<double>(in_) / out_) {
    filter_scale = scale > 1.0 ? scale : 1.0;
    support = (f == interpolation::bicubic ? 2.0 : 1.0) * filter_scale;
    const int whole = static_cast<int>(support);
    taps = (whole < support ? whole + 1 : whole) * 2 + 1;
  }

  [[nodiscard]] constexpr bool resamples() const noexcept { return in != out; }
  [[nodiscard]] constexpr double center(int i) const noexcept { return (i + 0.5) * scale; }
  [[nodiscard]] constexpr resample_window window(int i) const noexcept {
    // As Pillow rounds: towards zero, after adding a half. NOLINTBEGIN(bugprone-incorrect-roundings)
    const int first = static_cast<int>(center(i) - support + 0.5);
    const int end = static_cast<int>(center(i) + support + 0.5);
    // NOLINTEND(bugprone-incorrect-roundings)
    const int from = first > 0 ? first : 0;
    return {from, (end < in ? end : in) - from};
  }
};

[[nodiscard]] inline double filter_value(interpolation f, double x) noexcept {
  x = x < 0 ? -x : x;
  if (f == interpolation::bilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

/// The weights of output sample i. @param values scratch, [axis.taps] @param weights [axis.taps]
inline void resample_weights(const resample_axis& axis, int i, double* values,
                             std::int32_t* weights) noexcept {
  const double center = axis.center(i);
  const resample_window window = axis.window(i);
  double sum = 0;
  for (int tap = 0; tap < window.count; ++tap)
    sum += values[tap] =
        filter_value(axis.filter, (tap + window.first - center + 0.5) * (1.0 / axis.filter_scale));
  for (int tap = 0; tap < window.count; ++tap) {
    double v = values[tap];
    if (sum != 0.0) v /= sum;
    weights[tap] = static_cast<std::int32_t>(v * (1 << 22) + (v < 0 ? -0.5 : 0.5));
  }
}

/// The rectangle [x0, x1) x [y0, y1) of a picture that is resized as a whole, and the scratch that takes.
struct resize_plan {
  resample_axis x, y;
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  int left = 0, right = 0, top = 0, bottom = 0;  ///< what it depends on of the input
  bool vertical_first = false;
  int kept_rows = 0;  ///< horizontal first: rows between the passes
  // Where in the scratch, in bytes: doubles, then 32-bit values, then bytes.
  std::size_t values = 0, windows = 0, weights_x = 0, weights_y = 0, row = 0, rgb = 0, kept = 0;
  std::size_t scratch_bytes = 0;  ///< from an address that is a multiple of 8
};

[[nodiscard]] constexpr resize_plan make_resize_plan(int w, int h, pixel_format format, int out_w, int out_h,
                                                     int x0, int y0, int x1, int y1, interpolation f,
                                                     pass_order order) noexcept {
  resize_plan p;
  p.x = resample_axis(w, out_w, f), p.y = resample_axis(h, out_h, f);
  p.x0 = p.left = x0, p.x1 = p.right = x1;
  p.y0 = p.top = y0, p.y1 = p.bottom = y1;
  if (p.x.resamples()) {
    const resample_window last = p.x.window(x1 - 1);
    p.left = p.x.window(x0).first, p.right = last.first + last.count;
  }
  if (p.y.resamples()) {
    const resample_window last = p.y.window(y1 - 1);
    p.top = p.y.window(y0).first, p.bottom = last.first + last.count;
  }
  p.vertical_first =
      p.y.resamples() && order == pass_order::pillow_13 && h - out_h > 0 && h - out_h > 2 * (w - out_w);
  const auto cols = static_cast<std::size_t>(x1 - x0), wide = static_cast<std::size_t>(p.right - p.left);
  const auto wide_bytes = wide * static_cast<std::size_t>(bytes_per_pixel(format));
  const auto x_taps = static_cast<std::size_t>(p.x.resamples() ? p.x.taps : 0),
             y_taps = static_cast<std::size_t>(p.y.resamples() ? p.y.taps : 0);
  // Room for two windows: when it is full, what is still needed moves to the front.
  if (p.y.resamples() && !p.vertical_first)
    p.kept_rows = 2 * p.y.taps < p.bottom - p.top ? 2 * p.y.taps : p.bottom - p.top;
  const auto take = [&p](std::size_t count, std::size_t size) {
    const std::size_t at = p.scratch_bytes;
    p.scratch_bytes += count * size;
    return at;
  };
  p.values = take(x_taps > y_taps ? x_taps : y_taps, sizeof(double));
  p.windows = take(x_taps > 0 ? cols : 0, sizeof(resample_window));
  p.weights_x = take(x_taps * cols, sizeof(std::int32_t));
  p.weights_y = take(y_taps, sizeof(std::int32_t));
  p.row = take(p.vertical_first ? wide_bytes : 0, 1);
  p.rgb = take(format == pixel_format::rgb ? 0 : wide, 3);
  p.kept = take(static_cast<std::size_t>(p.kept_rows) * cols, 3);
  return p;
}

/// Pixels of any order as RGB.
inline void copy_as_rgb(const std::uint8_t* in, pixel_format format, int pixels, std::uint8_t* out) noexcept {
  const int bytes = bytes_per_pixel(format);
  const int red = channel_offset(format, 0), green = channel_offset(format, 1),
            blue = channel_offset(format, 2);
  for (int i = 0; i < pixels; ++i, in += bytes, out += 3) {
    out[0] = in[red];
    out[1] = in[green];
    out[2] = in[blue];
  }
}

/// @param in      the picture that p was made for
/// @param out     RGB, rows `out_stride` bytes apart
/// @param scratch p.scratch_bytes, from a multiple of 8
inline void resize_into(const image_view& in, const resize_plan& p, std::uint8_t* out,
                        std::ptrdiff_t out_stride, unsigned char* scratch,
                        const resample_kernels& kernels = own_resample) noexcept {
  auto* const values = reinterpret_cast<double*>(scratch + p.values);
  auto* const windows = reinterpret_cast<resample_window*>(scratch + p.windows);
  auto* const weights_x = reinterpret_cast<std::int32_t*>(scratch + p.weights_x);
  auto* const weights_y = reinterpret_cast<std::int32_t*>(scratch + p.weights_y);
  const int cols = p.x1 - p.x0, rows = p.y1 - p.y0, wide = p.right - p.left;
  const auto col_bytes = static_cast<std::size_t>(cols) * 3;
  if (p.x.resamples())
    for (int i = 0; i < cols; ++i) {
      windows[i] = p.x.window(p.x0 + i);
      windows[i].first -= p.left;
      resample_weights(p.x, p.x0 + i, values, weights_x + std::ptrdiff_t{i} * p.x.taps);
    }
  const std::ptrdiff_t pixel = bytes_per_pixel(in.format);
  const auto source = [&](int y) { return in.data + y * in.stride + p.left * pixel; };
  /// The input's columns [left, right), of any format, resampled along x.
  const auto across = [&](const std::uint8_t* from, std::uint8_t* to) {
    if (in.format != pixel_format::rgb) {
      copy_as_rgb(from, in.format, wide, scratch + p.rgb);
      from = scratch + p.rgb;
    }
    if (p.x.resamples())
      kernels.row(from, windows, weights_x, p.x.taps, cols, to);
    else
      std::memcpy(to, from, col_bytes);
  };
  if (!p.y.resamples()) {
    for (int y = 0; y < rows; ++y) across(source(p.y0 + y), out + y * out_stride);
    return;
  }
  unsigned char* const kept = scratch + p.kept;
  int kept_first = p.top, kept_end = p.top;  // input rows that `kept` holds
  for (int y = 0; y < rows; ++y, out += out_stride) {
    const resample_window window = p.y.window(p.y0 + y);
    resample_weights(p.y, p.y0 + y, values, weights_y);
    if (p.vertical_first) {
      kernels.column(source(window.first), in.stride, weights_y, window.count, wide * pixel, scratch + p.row);
      across(scratch + p.row, out);
      continue;
    }
    if (window.first + window.count - kept_first > p.kept_rows) {
      std::memmove(kept, kept + static_cast<std::size_t>(window.first - kept_first) * col_bytes,
                   static_cast<std::size_t>(kept_end - window.first) * col_bytes);
      kept_first = window.first;
    }
    for (; kept_end < window.first + window.count; ++kept_end)
      across(source(kept_end), kept + static_cast<std::size_t>(kept_end - kept_first) * col_bytes);
    kernels.column(kept + static_cast<std::size_t>(window.first - kept_first) * col_bytes,
                   static_cast<std::ptrdiff_t>(col_bytes), weights_y, window.count,
                   static_cast<std::ptrdiff_t>(col_bytes), out);
  }
}

/// The rectangle [x0, x1) x [y0, y1) of `in` resized to out_w x out_h.
[[nodiscard]] inline rgb_image resize_part(const image_view& in, int out_w, int out_h, int x0, int y0, int x1,
                                           int y1, interpolation f, pass_order order) {
  const resize_plan p =
      make_resize_plan(in.width, in.height, in.format, out_w, out_h, x0, y0, x1, y1, f, order);
  rgb_image out;
  out.width = x1 - x0, out.height = y1 - y0;
  out.data.resize(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height) * 3);
  std::vector<double> scratch(p.scratch_bytes / sizeof(double) + 1);
  resize_into(in, p, out.data.data(), std::ptrdiff_t{out.width} * 3,
              reinterpret_cast<unsigned char*>(scratch.data()));
  return out;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_IMAGE_RESIZE_HPP
