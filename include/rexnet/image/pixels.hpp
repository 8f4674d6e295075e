// SPDX-License-Identifier: MIT
// 8-bit pictures as callers hold them.
#ifndef REXNET_IMAGE_PIXELS_HPP
#define REXNET_IMAGE_PIXELS_HPP

#include "rexnet/core/build.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// Order of the bytes of a pixel. Alpha is dropped, as Pillow's convert("RGB") does; grey is repeated.
enum class pixel_format : std::uint8_t { rgb, bgr, rgba, bgra, grey };

[[nodiscard]] constexpr int bytes_per_pixel(pixel_format f) noexcept {
  return f == pixel_format::grey ? 1 : f == pixel_format::rgb || f == pixel_format::bgr ? 3 : 4;
}

/// Where red (0), green (1) or blue (2) stands within a pixel.
[[nodiscard]] constexpr int channel_offset(pixel_format f, int channel) noexcept {
  if (f == pixel_format::grey) return 0;
  return f == pixel_format::bgr || f == pixel_format::bgra ? 2 - channel : channel;
}

/// A picture in memory of the caller's.
struct image_view {
  const std::uint8_t* data = nullptr;  ///< the upper left pixel
  int width = 0;                       ///< pixels
  int height = 0;                      ///< pixels
  std::ptrdiff_t stride = 0;           ///< bytes from one row to the next; negative for bottom-up pictures
  pixel_format format = pixel_format::rgb;  ///< order of a pixel's bytes

  constexpr image_view() noexcept = default;
  /// Rows without gaps.
  constexpr image_view(const std::uint8_t* data_, int width_, int height_,
                       pixel_format format_ = pixel_format::rgb) noexcept
      : image_view(data_, width_, height_, format_,
                   static_cast<std::ptrdiff_t>(width_) * bytes_per_pixel(format_)) {}
  /// Rows `stride_` bytes apart.
  constexpr image_view(const std::uint8_t* data_, int width_, int height_, pixel_format format_,
                       std::ptrdiff_t stride_) noexcept
      : data(data_), width(width_), height(height_), stride(stride_), format(format_) {}
};

/// An RGB picture that owns its bytes: [height][width][3].
struct rgb_image {
  int width = 0;                   ///< pixels
  int height = 0;                  ///< pixels
  std::vector<std::uint8_t> data;  ///< width * height * 3 bytes

  /// Valid as long as the picture stays as it is; not of a temporary.
  [[nodiscard]] image_view view() const& noexcept { return {data.data(), width, height}; }
  [[nodiscard]] image_view view() const&& = delete;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_IMAGE_PIXELS_HPP
