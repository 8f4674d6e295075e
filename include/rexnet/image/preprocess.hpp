// SPDX-License-Identifier: MIT
// From a picture to what the network sees, as timm and torchvision do it for evaluation: short side to
// floor(input / crop_pct), centre crop, /255, mean and standard deviation.
#ifndef REXNET_IMAGE_PREPROCESS_HPP
#define REXNET_IMAGE_PREPROCESS_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/core/report.hpp"
#include "rexnet/core/views.hpp"
#include "rexnet/image/resize.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// How pictures are prepared for a model. The defaults are those of the published weights.
struct preprocessing {
  int input_size = 224;     ///< side of the square input, pixels
  double crop_pct = 0.875;  ///< part of the resized short side that the crop keeps
  rexnet::interpolation interpolation = rexnet::interpolation::bicubic;  ///< of the resize
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f};                     ///< of R, G, B in 0 .. 1
  std::array<float, 3> std{0.229f, 0.224f, 0.225f};                      ///< of R, G, B in 0 .. 1
  pass_order order = pass_order::pillow_13;  ///< which Pillow's bits the resize gives
};

inline constexpr int max_picture_side = 1 << 16;

namespace detail {

/// The one check of preprocessing, whether it comes from options, a file or the API. fail(code, parts of a
/// text...) reports what is wrong, and what it returns is returned. A NaN fails every comparison.
template <class Fail>
[[nodiscard]] constexpr errc check_preprocessing(const preprocessing& p, Fail&& fail) {
  constexpr errc bad = errc::invalid_argument;
  if (p.input_size < 1 || p.input_size > 16384)
    return fail(bad, "input size ", p.input_size, ": must be 1 to 16384");
  if (!(p.crop_pct > 0.0 && p.crop_pct <= 1.0))
    return fail(bad, "crop_pct ", p.crop_pct, ": must be above 0 and at most 1");
  if (p.input_size / p.crop_pct > max_picture_side)
    return fail(bad, "crop_pct ", p.crop_pct, " of an input of ", p.input_size,
                ": pictures would be resized to more than ", max_picture_side);
  if (p.interpolation != interpolation::bicubic && p.interpolation != interpolation::bilinear)
    return fail(bad, "interpolation ", static_cast<int>(p.interpolation), ": must be bicubic or bilinear");
  if (p.order != pass_order::pillow_13 && p.order != pass_order::horizontal_first)
    return fail(bad, "pass order ", static_cast<int>(p.order), ": there is none of this number");
  for (const float m : p.mean)
    if (!(m >= 0.0f && m <= 1.0f))
      return fail(bad, "mean ", m, ": must be 0 to 1, the pixels' range (bytes are divided by 255 first)");
  for (const float s : p.std)
    if (!(s >= 1e-6f && s <= 256.0f))
      return fail(bad, "std ", s,
                  ": must be 1e-6 to 256, of pixels from 0 to 1 (bytes are divided by 255 first)");
  return errc::ok;
}

template <class Fail>
[[nodiscard]] constexpr errc check_sides(int width, int height, Fail&& fail) {
  if (width >= 1 && height >= 1 && width <= max_picture_side && height <= max_picture_side) return errc::ok;
  return fail(errc::invalid_argument, "picture of ", width, " x ", height, " pixels: each side must be 1 to ",
              max_picture_side);
}

/// check_preprocessing(), and whether a picture of this size can be resized for it.
template <class Fail>
[[nodiscard]] constexpr errc check_sizes(int width, int height, const preprocessing& p, Fail&& fail) {
  constexpr errc bad = errc::invalid_argument;
  if (const errc e = check_sides(width, height, fail); e != errc::ok) return e;
  if (const errc e = check_preprocessing(p, fail); e != errc::ok) return e;
  // The long side grows with the short one: a very thin picture would become a huge one.
  const double short_side = width < height ? width : height, long_side = width < height ? height : width;
  if (p.input_size / p.crop_pct * long_side / short_side > 16.0 * max_picture_side)
    return fail(bad, "picture of ", width, " x ", height,
                " pixels: too thin, resized its long side would pass ", 16 * max_picture_side);
  return errc::ok;
}

/// Whether a picture's pixels can be read at all.
template <class Fail>
[[nodiscard]] errc check_pixels(const image_view& in, Fail&& fail) {
  if (in.data == nullptr) return fail(errc::invalid_argument, "picture: no pixels (null pointer)");
  if (const errc e = check_sides(in.width, in.height, fail); e != errc::ok) return e;
  const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(in.width) * bytes_per_pixel(in.format);
  // Rows further apart than any memory would overflow on the way to them.
  const std::ptrdiff_t most = (std::numeric_limits<std::ptrdiff_t>::max)() / in.height;
  if ((in.stride < row && in.stride > -row) || in.stride > most || in.stride < -most)
    return fail(errc::invalid_argument, "picture: a stride of ", in.stride, " bytes for rows of ", row, ", ",
                in.height, " of them");
  return errc::ok;
}

/// The same, and whether it can be prepared as `p` says.
template <class Fail>
[[nodiscard]] errc check_picture(const image_view& in, const preprocessing& p, Fail&& fail) {
  if (const errc e = check_pixels(in, fail); e != errc::ok) return e;
  return check_sizes(in.width, in.height, p, fail);
}

/// The resize whose result, [pad_y ...][pad_x ...] of the network's input, is the centre crop.
struct preprocess_plan {
  resize_plan resize;
  int out_w = 0, out_h = 0;  ///< of the whole picture, resized
  int pad_x = 0, pad_y = 0;
};

/// Precondition: check_sizes() gives ok.
[[nodiscard]] constexpr preprocess_plan make_preprocess_plan(int width, int height, pixel_format format,
                                                             const preprocessing& p) noexcept {
  // torchvision: the short side exactly, the long side truncated.
  const int target = static_cast<int>(p.input_size / p.crop_pct);
  const bool wide = width > height;
  const std::int64_t shorter = wide ? height : width, longer = wide ? width : height;
  const int other = static_cast<int>(target * longer / shorter);
  preprocess_plan plan;
  const int out_w = plan.out_w = wide ? other : target, out_h = plan.out_h = wide ? target : other;
  const int n = p.input_size;
  const auto range = [n](int size, int& begin, int& end, int& pad) {
    // torchvision's centre crop: half of the difference, rounded half to even. Smaller than the crop: zeros
    // around it, the smaller half before.
    const int over = size < n ? 0 : size - n;
    pad = size < n ? (n - size) / 2 : 0;
    begin = over / 2 + (over % 4 == 3 ? 1 : 0);
    end = size < n ? size : begin + n;
  };
  int x0 = 0, x1 = 0, y0 = 0, y1 = 0;
  range(out_w, x0, x1, plan.pad_x);
  range(out_h, y0, y1, plan.pad_y);
  plan.resize =
      make_resize_plan(width, height, format, out_w, out_h, x0, y0, x1, y1, p.interpolation, p.order);
  return plan;
}

}  // namespace detail

/// A rectangle of a picture in its own pixels, from its left upper corner.
struct picture_box {
  double x = 0;       ///< of the left edge
  double y = 0;       ///< of the upper edge
  double width = 0;   ///< to the right
  double height = 0;  ///< downwards
};

/// Which part of a picture of width x height pixels the network sees: where the corners of its square input
/// lie. All zero for what preprocess_pixels() refuses.
[[nodiscard]] constexpr picture_box seen_part(int width, int height, const preprocessing& p) noexcept {
  if (detail::check_sizes(width, height, p, detail::report_code()) != errc::ok) return {};
  const detail::preprocess_plan plan = detail::make_preprocess_plan(width, height, pixel_format::rgb, p);
  const double per_x = static_cast<double>(width) / plan.out_w,
               per_y = static_cast<double>(height) / plan.out_h;
  return {(plan.resize.x0 - plan.pad_x) * per_x, (plan.resize.y0 - plan.pad_y) * per_y, p.input_size * per_x,
          p.input_size * per_y};
}

/// Bytes of the pixels that the network sees.
[[nodiscard]] constexpr std::size_t preprocess_output_bytes(const preprocessing& p) noexcept {
  return static_cast<std::size_t>(p.input_size) * static_cast<std::size_t>(p.input_size) * 3;
}

/// Bytes of scratch that preprocess_pixels_into() needs, of any alignment; 0 for what it refuses. A constant
/// expression: a camera's `static unsigned char scratch[preprocess_scratch_bytes(640, 480, ...)];`.
[[nodiscard]] constexpr std::size_t preprocess_scratch_bytes(int width, int height, pixel_format format,
                                                             const preprocessing& p) noexcept {
  if (detail::check_sizes(width, height, p, detail::report_code()) != errc::ok) return 0;
  return detail::make_preprocess_plan(width, height, format, p).resize.scratch_bytes + alignof(double) - 1;
}

/// The pixels that the network sees: input_size x input_size RGB bytes, identical to Pillow 13 + torchvision.
/// Only what the crop shows is computed. Allocates nothing.
/// @param out     preprocess_output_bytes(p) or more: [input_size][input_size][3]
/// @param scratch preprocess_scratch_bytes(in.width, in.height, in.format, p) or more
/// @param kernels of the network that the pixels are for, where it was made by dispatch: net.resample()
/// @return ok; invalid_argument (picture or options), shape_mismatch (out), workspace_too_small (scratch)
[[nodiscard]] inline errc preprocess_pixels_into(
    const image_view& in, const preprocessing& p, span<std::uint8_t> out, span<unsigned char> scratch,
    const resample_kernels& kernels = detail::own_resample) noexcept {
  if (const errc e = detail::check_picture(in, p, detail::report_code()); e != errc::ok) return e;
  const detail::preprocess_plan plan = detail::make_preprocess_plan(in.width, in.height, in.format, p);
  if (out.data() == nullptr || out.size() < preprocess_output_bytes(p)) return errc::shape_mismatch;
  constexpr std::size_t unit = alignof(double);
  if (scratch.size() < plan.resize.scratch_bytes + unit - 1) return errc::workspace_too_small;
  const auto misaligned = static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(scratch.data()) % unit);
  const int n = p.input_size;
  if (plan.resize.x1 - plan.resize.x0 < n || plan.resize.y1 - plan.resize.y0 < n)
    std::memset(out.data(), 0, preprocess_output_bytes(p));
  const std::ptrdiff_t row = std::ptrdiff_t{n} * 3;
  detail::resize_into(in, plan.resize, out.data() + plan.pad_y * row + std::ptrdiff_t{plan.pad_x} * 3, row,
                      scratch.data() + (unit - misaligned) % unit, kernels);
  return errc::ok;
}

/// The same with memory of its own: the scratch and the result. Errors: invalid_argument, naming the sizes.
[[nodiscard]] inline result<rgb_image> preprocess_pixels(
    const image_view& in, const preprocessing& p, const resample_kernels& kernels = detail::own_resample) {
  std::string what;
  if (const errc e = detail::check_picture(in, p, detail::report_text{what}); e != errc::ok)
    return error(e, what);
  rgb_image out;
  out.width = out.height = p.input_size;
  out.data.resize(preprocess_output_bytes(p));
  std::vector<unsigned char> scratch(preprocess_scratch_bytes(in.width, in.height, in.format, p));
  if (const errc e = preprocess_pixels_into(in, p, out.data, scratch, kernels); e != errc::ok)
    return error(e, std::string("preprocess: ") + to_string(e));
  return out;
}

/// The normalised value of every byte in every channel, [256][3]: (v / 255 - mean) / std in float, as
/// torchvision's ToTensor and Normalize compute it.
[[nodiscard]] constexpr std::array<float, 768> normalise_table(const preprocessing& p) noexcept {
  std::array<float, 768> t{};
  for (std::size_t v = 0; v < 256; ++v)
    for (std::size_t c = 0; c < 3; ++c)
      t[3 * v + c] = (static_cast<float>(v) / 255.0f - p.mean[c]) / p.std[c];
  return t;
}

/// RGB bytes to normalised floats, [h][w][3]. Errors: shape_mismatch when `out` has another size.
[[nodiscard]] inline status normalise(const rgb_image& in, const preprocessing& p, span<float> out) {
  if (out.size() != in.data.size())
    return error(errc::shape_mismatch, "normalise: " + std::to_string(in.data.size()) + " values into " +
                                           std::to_string(out.size()));
  const std::array<float, 768> table = normalise_table(p);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = table[3 * std::size_t{in.data[i]} + i % 3];
  return done;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_IMAGE_PREPROCESS_HPP
