// SPDX-License-Identifier: MIT
// The picture codecs behind image_io.hpp, one file each: codec_NAME.cpp by the library of the format, bmp.cpp
// and pnm.cpp without one, image_io_windows.cpp by the Windows Imaging Component. A codec that is not built
// is not linked: image_io.cpp's table of formats has those that are. Errors do not name the file:
// read_picture() does.
#ifndef REXNET_TOOLS_IMAGE_CODECS_HPP
#define REXNET_TOOLS_IMAGE_CODECS_HPP

#include "rexnet/core/bytes.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/image/pixels.hpp"

#include <cstdint>
#include <cstring>
#include <string>

namespace rexnet_tools {

/// Pictures of more pixels are refused before memory is taken for them.
inline constexpr std::uint64_t max_pixels = std::uint64_t{1} << 28;

/// What a codec gives: the pixels of the first picture in the file.
struct decoded {
  rexnet::rgb_image image;
  int orientation = 0;  ///< 1 to 8 where the codec states it; 0: Exif and XMP are searched
  bool turned = false;  ///< the pixels are upright already, as Pillow gives them for this format
};

/// @param file begins as the format does
/// @param largest pixels that are allowed, at most max_pixels
/// Errors: limit_exceeded, unsupported, io_error for what is damaged.
using decode_function = rexnet::result<decoded> (*)(rexnet::byte_span file, std::uint64_t largest);

rexnet::result<decoded> decode_jpeg(rexnet::byte_span file, std::uint64_t largest);
rexnet::result<decoded> decode_png(rexnet::byte_span file, std::uint64_t largest);
rexnet::result<decoded> decode_webp(rexnet::byte_span file, std::uint64_t largest);
rexnet::result<decoded> decode_gif(rexnet::byte_span file, std::uint64_t largest);
rexnet::result<decoded> decode_tiff(rexnet::byte_span file, std::uint64_t largest);
rexnet::result<decoded> decode_heif(rexnet::byte_span file, std::uint64_t largest);
rexnet::result<decoded> decode_avif(rexnet::byte_span file, std::uint64_t largest);
rexnet::result<decoded> decode_bmp(rexnet::byte_span file, std::uint64_t largest);
/// The bytes of an 8-bit RGB PNG.
rexnet::result<std::string> encode_png(const rexnet::rgb_image& image);
/// A zlib stream of at most 1 MiB of data, as much as Pillow takes of a PNG's text; empty where it is
/// damaged, larger, or nothing here can inflate.
std::string inflate_text(rexnet::byte_span zlib);

/// An error unless there are 1 to `largest` pixels. @param format for the message
inline rexnet::status check_size(const char* format, std::uint64_t width, std::uint64_t height,
                                 std::uint64_t largest) {
  const std::string text =
      std::string(format) + ": " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (width == 0 || height == 0) return rexnet::error(rexnet::errc::io_error, text);
  if (width > 0x7fffffff || height > 0x7fffffff || width > largest / height)
    return rexnet::error(rexnet::errc::limit_exceeded,
                         text + ", more than the " + std::to_string(largest) + " that are read");
  return rexnet::done;
}

/// A picture with room for its pixels. Precondition: check_size() agreed.
inline rexnet::rgb_image blank(std::uint64_t width, std::uint64_t height) {
  rexnet::rgb_image image;
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  image.data.resize(static_cast<std::size_t>(width * height * 3));
  return image;
}

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
  while (at + 4 <= jpeg.size()) {
    if (jpeg[at] != 0xff || jpeg[at + 1] == 0xff || jpeg[at + 1] == 0) {  // padding and what cameras leave
      ++at;
      continue;
    }
    if (jpeg[at + 1] >= 0xd0 && jpeg[at + 1] <= 0xd8) {  // these have no length
      at += 2;
      continue;
    }
    if (jpeg[at + 1] == 0xda || jpeg[at + 1] == 0xd9) return;
    const std::size_t length = static_cast<std::size_t>(jpeg[at + 2]) << 8 | jpeg[at + 3];
    if (length < 2 || at + 2 + length > jpeg.size()) return;
    visit(jpeg[at + 1], jpeg.subspan(at + 4, length - 2));
    at += 2 + length;
  }
}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_IMAGE_CODECS_HPP
