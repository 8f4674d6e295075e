// SPDX-License-Identifier: MIT
// Picture files for the tools, to 8-bit RGB by Pillow's rules: JPEG, PNG, PNM, BMP, and what libraries are
// there for (picture_formats()). PNG out.
#ifndef REXNET_TOOLS_IMAGE_IO_HPP
#define REXNET_TOOLS_IMAGE_IO_HPP

#include "rexnet/core/bytes.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/core/views.hpp"
#include "rexnet/image/pixels.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rexnet_tools {

/// What a file is, by its first bytes and never by its name.
struct file_kind {
  std::string name;      ///< for people: "JPEG", "WebP", "PDF", "HTML page", "empty file", "unknown data"
  bool picture = false;  ///< of a picture format, whether this program reads that or not
  bool read = false;     ///< read_picture() decodes it
};

/// kind_of() reads this many bytes of a file's start.
inline constexpr std::size_t kind_bytes = 4096;

/// @param start the first kind_bytes bytes, or the whole of a shorter file
[[nodiscard]] file_kind kind_of(rexnet::byte_span start);
/// The same of a file. @param path UTF-8. Errors: io_error.
[[nodiscard]] rexnet::result<file_kind> kind_of(const std::string& path);

/// What this build reads: "JPEG", "PNG", "PNM", "BMP", then GIF, WebP, TIFF, HEIC and AVIF where their
/// libraries are.
[[nodiscard]] std::vector<std::string> picture_formats();

/// A decoded picture file.
struct picture {
  rexnet::rgb_image image;
  std::string kind;     ///< as file_kind has it
  int orientation = 1;  ///< that the file states, 1 to 8 as in TIFF 6; 1 where it states none
  bool turned = false;  ///< the image was turned upright by it: on request, and TIFF always, as in Pillow
};

/// Decodes a picture file, recognised by content. Grey and palette become RGB, CMYK by Pillow's formula,
/// alpha is dropped, of 16 bits the high byte is kept. Of several pictures in a file the first is read.
/// Damaged files are errors, never half a picture.
/// @param path UTF-8
/// @param exif turn the picture upright as its orientation says (Pillow and torchvision do not)
/// Errors: io_error, unknown_format (which names what it is), unsupported, limit_exceeded; the path in front.
[[nodiscard]] rexnet::result<picture> read_picture(const std::string& path, bool exif = false);
/// The same from a file's bytes in memory; errors without a path.
/// @param largest pixels that are allowed: 2^28 at most
[[nodiscard]] rexnet::result<picture> decode_picture(rexnet::byte_span file, bool exif = false,
                                                     std::uint64_t largest = std::uint64_t{1} << 28);

/// The pixels of read_picture() alone.
[[nodiscard]] rexnet::result<rexnet::rgb_image> read_image(const std::string& path, bool exif = false);

/// Writes an 8-bit RGB PNG, whole or not at all.
rexnet::status write_png(const std::string& path, const rexnet::rgb_image& image);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_IMAGE_IO_HPP
