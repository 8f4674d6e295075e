// SPDX-License-Identifier: MIT
// How torchvision's detectors prepare a picture: normalise its bytes, then resize the floats to the network's
// input, whatever the aspect: bilinear, without antialiasing. (Classifiers resize bytes as Pillow does:
// image/resize.hpp.) Source: torchvision models/detection/transform.py, torch interpolate(mode="bilinear",
// align_corners=False).
#ifndef REXNET_IMAGE_RESIZE_NORMALISED_HPP
#define REXNET_IMAGE_RESIZE_NORMALISED_HPP

#include "rexnet/core/errc.hpp"
#include "rexnet/core/views.hpp"
#include "rexnet/image/pixels.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

/// The two input samples that an output sample lies between, and how near it is to the second.
struct bilinear_place {
  int first, second;
  float part;
};
/// Of output sample i. The source's place is a float product and a float difference, two roundings: what
/// torch 2.15 computes with every instruction set. (One fma differs in a place or two of 300: 1.5e-5 at 333
/// -> 300.)
[[nodiscard]] inline bilinear_place bilinear_place_of(int i, int in, int out) noexcept {
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  const float unbounded = scale * (static_cast<float>(i) + 0.5f) - 0.5f, at = unbounded > 0 ? unbounded : 0;
  const int first = at < static_cast<float>(in - 1) ? static_cast<int>(at) : in - 1;
  const float part = at - static_cast<float>(first);
  return {first, first + 1 < in ? first + 1 : in - 1, part < 1.0f ? part : 1.0f};
}

}  // namespace detail

/// Floats of scratch that resize_normalised() needs.
[[nodiscard]] constexpr std::size_t resize_normalised_scratch(int out_w) noexcept {
  return 9 * static_cast<std::size_t>(out_w > 0 ? out_w : 0);
}

/// A picture as a network's input.
/// @param in      any format, 1 pixel at least, rows of either direction and with gaps
/// @param table   [256][3]: the normalised value of byte v in channel c at 3 v + c (normalise_table())
/// @param out     [out_h][out_w][3]
/// @param scratch resize_normalised_scratch(out_w) floats
/// @return ok; invalid_argument: no pixels, rows that overlap or reach beyond all memory, or no output;
/// shape_mismatch: table, out or scratch of another size
[[nodiscard]] inline errc resize_normalised(const image_view& in, span<const float> table, int out_h,
                                            int out_w, span<float> out, span<float> scratch) noexcept {
  if (in.data == nullptr || in.width < 1 || in.height < 1 || out_h < 1 || out_w < 1)
    return errc::invalid_argument;
  constexpr std::ptrdiff_t memory = (std::numeric_limits<std::ptrdiff_t>::max)();
  const int step = bytes_per_pixel(in.format);
  if (in.width > memory / step) return errc::invalid_argument;
  const std::ptrdiff_t pixels = static_cast<std::ptrdiff_t>(in.width) * step, most = memory / in.height;
  if ((in.stride < pixels && in.stride > -pixels) || in.stride > most || in.stride < -most)
    return errc::invalid_argument;
  const std::size_t row_floats = 3 * static_cast<std::size_t>(out_w);
  if (table.size() != 768 || out.size() != row_floats * static_cast<std::size_t>(out_h) ||
      scratch.size() < resize_normalised_scratch(out_w))
    return errc::shape_mismatch;

  // The two rows between which an output row lies, resized across; most of them serve the next one, too.
  float* rows[2] = {scratch.data(), scratch.data() + row_floats};
  int held[2] = {-1, -1};
  // The samples of each column: the same in every row.
  static_assert(sizeof(detail::bilinear_place) == 3 * sizeof(float));
  auto* const columns = reinterpret_cast<detail::bilinear_place*>(scratch.data() + 2 * row_floats);
  for (int x = 0; x < out_w; ++x)
    new (columns + x) detail::bilinear_place(detail::bilinear_place_of(x, in.width, out_w));
  const int channel[3] = {channel_offset(in.format, 0), channel_offset(in.format, 1),
                          channel_offset(in.format, 2)};
  const auto fill = [&](int which, int y) {
    held[which] = y;
    const std::uint8_t* const from = in.data + static_cast<std::ptrdiff_t>(y) * in.stride;
    float* to = rows[which];
    for (int x = 0; x < out_w; ++x) {
      const detail::bilinear_place p = columns[x];
      const std::uint8_t *a = from + static_cast<std::ptrdiff_t>(p.first) * step,
                         *b = from + static_cast<std::ptrdiff_t>(p.second) * step;
      for (int c = 0; c < 3; ++c) {
        const auto value = [&](const std::uint8_t* pixel) {
          return table[3 * std::size_t{pixel[channel[c]]} + static_cast<std::size_t>(c)];
        };
        *to++ = value(a) * (1.0f - p.part) + value(b) * p.part;
      }
    }
  };
  float* to = out.data();
  for (int y = 0; y < out_h; ++y) {
    const detail::bilinear_place p = detail::bilinear_place_of(y, in.height, out_h);
    if (held[0] != p.first && held[1] == p.first) {
      float* const row = rows[0];
      rows[0] = rows[1], rows[1] = row;
      held[1] = held[0], held[0] = p.first;
    }
    if (held[0] != p.first) fill(0, p.first);
    if (held[1] != p.second) fill(1, p.second);
    for (std::size_t i = 0; i < row_floats; ++i) *to++ = rows[0][i] * (1.0f - p.part) + rows[1][i] * p.part;
  }
  return errc::ok;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_IMAGE_RESIZE_NORMALISED_HPP
