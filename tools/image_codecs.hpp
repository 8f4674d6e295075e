// SPDX-License-Identifier: MIT
// The picture codecs behind image_io.hpp: libjpeg-turbo and libpng (image_io_libraries.cpp), or the Windows
// Imaging Component (image_io_windows.cpp). Errors do not name the file: read_image() does.
#ifndef REXNET_TOOLS_IMAGE_CODECS_HPP
#define REXNET_TOOLS_IMAGE_CODECS_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/image/pixels.hpp"
#include "rexnet/weights/bytes.hpp"

#include <cstdint>
#include <cstring>
#include <string>

namespace rexnet_tools {

/// Pictures of more pixels are refused before memory is taken for them.
inline constexpr std::uint64_t max_pixels = std::uint64_t{1} << 28;

rexnet::result<rexnet::rgb_image> decode_jpeg(rexnet::byte_span file);
rexnet::result<rexnet::rgb_image> decode_png(rexnet::byte_span file);
/// The bytes of an 8-bit RGB PNG.
rexnet::result<std::string> encode_png(const rexnet::rgb_image& image);

/// Pillow's cmyk2rgb for one pixel; 255 is full ink.
inline void cmyk_to_rgb(const std::uint8_t* ink, std::uint8_t* rgb) {
  const int light = 255 - ink[3];
  for (int c = 0; c < 3; ++c) {
    const int product = ink[c] * light + 128, v = light - (((product >> 8) + product) >> 8);
    rgb[c] = static_cast<std::uint8_t>(v < 0 ? 0 : v);
  }
}

/// Calls visit(marker, payload) for the segments before the JPEG's image data.
template <class Visit>
void for_each_segment(rexnet::byte_span jpeg, Visit&& visit) {
  std::size_t at = 2;
  while (at + 4 <= jpeg.size() && jpeg[at] == 0xff && jpeg[at + 1] != 0xda) {
    const std::size_t length = static_cast<std::size_t>(jpeg[at + 2]) << 8 | jpeg[at + 3];
    if (length < 2 || at + 2 + length > jpeg.size()) return;
    visit(jpeg[at + 1], jpeg.subspan(at + 4, length - 2));
    at += 2 + length;
  }
}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_IMAGE_CODECS_HPP
