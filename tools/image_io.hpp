// SPDX-License-Identifier: MIT
// Picture files for the tools: JPEG, PNG and binary PNM to 8-bit RGB by Pillow's rules, PNG out.
#ifndef REXNET_TOOLS_IMAGE_IO_HPP
#define REXNET_TOOLS_IMAGE_IO_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/core/views.hpp"
#include "rexnet/image/pixels.hpp"

#include <string>

namespace rexnet_tools {

/// Decodes a JPEG, PNG or PNM (P5, P6) file, recognised by content. Grey and palette become RGB, CMYK by
/// Pillow's formula, alpha is dropped, of 16 bits the high byte is kept. Damaged files are errors, never half
/// a picture.
/// @param path UTF-8
/// @param exif turn the picture upright as its EXIF orientation says (Pillow and torchvision do not)
rexnet::result<rexnet::rgb_image> read_image(const std::string& path, bool exif = false);

/// Writes an 8-bit RGB PNG, whole or not at all.
rexnet::status write_png(const std::string& path, const rexnet::rgb_image& image);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_IMAGE_IO_HPP
