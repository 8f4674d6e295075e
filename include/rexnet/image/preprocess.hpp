// SPDX-License-Identifier: MIT
// From a picture to what the network sees, as timm and torchvision do it for evaluation: short side to
// floor(input / crop_pct), centre crop, /255, mean and standard deviation.
#ifndef REXNET_IMAGE_PREPROCESS_HPP
#define REXNET_IMAGE_PREPROCESS_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/core/views.hpp"
#include "rexnet/image/resize.hpp"

#include <array>
#include <cmath>
#include <string>
#include <utility>

namespace rexnet {
inline namespace REXNET_BUILD {

/// How a model wants its pictures. The defaults are those of the published weights.
struct preprocessing {
  int input_size = 224;     ///< side of the square input, pixels
  double crop_pct = 0.875;  ///< part of the resized short side that the crop keeps
  rexnet::interpolation interpolation = rexnet::interpolation::bicubic;
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f};
  std::array<float, 3> std{0.229f, 0.224f, 0.225f};
  pass_order order = pass_order::pillow_13;
};

inline constexpr int max_picture_side = 1 << 16;

namespace detail {

[[nodiscard]] inline status check_picture(const image_view& in, const preprocessing& p) {
  const auto fail = [](const std::string& what) { return error(errc::invalid_argument, what); };
  if (in.data == nullptr) return fail("picture: no pixels (null pointer)");
  if (in.width < 1 || in.height < 1 || in.width > max_picture_side || in.height > max_picture_side)
    return fail("picture of " + std::to_string(in.width) + " x " + std::to_string(in.height) +
                " pixels: each side must be 1 to " + std::to_string(max_picture_side));
  const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(in.width) * bytes_per_pixel(in.format);
  if (in.stride < row && -in.stride < row)
    return fail("picture: a stride of " + std::to_string(in.stride) + " bytes for rows of " +
                std::to_string(row));
  if (p.input_size < 1 || p.input_size > 16384)
    return fail("input size " + std::to_string(p.input_size) + ": must be 1 to 16384");
  if (!(p.crop_pct > 0.0) || p.crop_pct > 1.0 || p.input_size / p.crop_pct > max_picture_side)
    return fail("crop_pct " + std::to_string(p.crop_pct) + ": must be above 0 and at most 1");
  for (const float s : p.std)
    if (!(s > 0.0f)) return fail("std " + std::to_string(s) + ": must be positive");
  // The long side grows with the short one: a sliver of a picture would become a giant.
  const double short_side = (std::min)(in.width, in.height), long_side = (std::max)(in.width, in.height);
  if (p.input_size / p.crop_pct * long_side / short_side > 16.0 * max_picture_side)
    return fail("picture of " + std::to_string(in.width) + " x " + std::to_string(in.height) +
                " pixels: too thin, resized its long side would pass " +
                std::to_string(16 * max_picture_side));
  return done;
}

/// The same picture as RGB; no copy when it is one already.
[[nodiscard]] inline byte_rows as_rgb(const image_view& in, rgb_image& copy) {
  if (in.format == pixel_format::rgb) return {in.data, in.stride};
  copy.data.resize(static_cast<std::size_t>(in.width) * static_cast<std::size_t>(in.height) * 3);
  const int bytes = bytes_per_pixel(in.format);
  const int red = channel_offset(in.format, 0), green = channel_offset(in.format, 1),
            blue = channel_offset(in.format, 2);
  std::uint8_t* out = copy.data.data();
  for (int y = 0; y < in.height; ++y) {
    const std::uint8_t* p = in.data + y * in.stride;
    for (int x = 0; x < in.width; ++x, p += bytes, out += 3) {
      out[0] = p[red];
      out[1] = p[green];
      out[2] = p[blue];
    }
  }
  return {copy.data.data(), static_cast<std::ptrdiff_t>(in.width) * 3};
}

/// torchvision's centre crop: half to even.
[[nodiscard]] inline int crop_start(int size, int crop) noexcept {
  return static_cast<int>(std::nearbyint((size - crop) / 2.0));
}

}  // namespace detail

/// The pixels that the network sees: input_size x input_size RGB bytes, identical to Pillow 13 + torchvision.
/// Only what the crop shows is computed. Memory: the picture as RGB if it is not, one pass's rows, the
/// result. Errors: invalid_argument, naming the sizes.
[[nodiscard]] inline result<rgb_image> preprocess_pixels(const image_view& in, const preprocessing& p) {
  if (status s = detail::check_picture(in, p); !s) return s.error();
  rgb_image copy;
  const detail::byte_rows rows = detail::as_rgb(in, copy);
  // torchvision: the short side exactly, the long side truncated.
  const int target = static_cast<int>(std::floor(p.input_size / p.crop_pct));
  const bool wide = in.width > in.height;
  const std::int64_t shorter = wide ? in.height : in.width, longer = wide ? in.width : in.height;
  const int other = static_cast<int>(target * longer / shorter);
  const int out_w = wide ? other : target, out_h = wide ? target : other;

  const int n = p.input_size;
  const auto range = [n](int size, int& begin, int& end, int& pad) {
    // Smaller than the crop: zeros around it, the smaller half before.
    pad = size < n ? (n - size) / 2 : 0;
    begin = size < n ? 0 : detail::crop_start(size, n);
    end = (std::min)(begin + n, size);
  };
  int x0, x1, pad_x, y0, y1, pad_y;
  range(out_w, x0, x1, pad_x);
  range(out_h, y0, y1, pad_y);
  rgb_image part =
      detail::resize_part(rows, in.width, in.height, out_w, out_h, x0, y0, x1, y1, p.interpolation, p.order);
  if (part.width == n && part.height == n) return part;
  rgb_image out;
  out.width = out.height = n;
  out.data.assign(static_cast<std::size_t>(n) * static_cast<std::size_t>(n) * 3, 0);
  for (int y = 0; y < part.height; ++y)
    std::copy_n(part.data.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(part.width) * 3,
                static_cast<std::size_t>(part.width) * 3,
                out.data.data() + (static_cast<std::size_t>(y + pad_y) * static_cast<std::size_t>(n) +
                                   static_cast<std::size_t>(pad_x)) *
                                      3);
  return out;
}

/// The normalised value of every byte in every channel, [256][3]: (v / 255 - mean) / std in float, as
/// torchvision's ToTensor and Normalize compute it.
[[nodiscard]] inline std::array<float, 768> normalise_table(const preprocessing& p) noexcept {
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
