// SPDX-License-Identifier: MIT
// Pictures from files and from other programs, as the RGB bytes that the network gets.
#ifndef REXNET_EXAMPLES_VIEWER_PICTURE_FILES_HPP
#define REXNET_EXAMPLES_VIEWER_PICTURE_FILES_HPP

#include <rexnet/core/error.hpp>
#include <rexnet/image/pixels.hpp>

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <string>

namespace viewer {

/// JPEG and PNG exactly as `rexnet classify --exif` reads them; everything else that GdkPixbuf reads (WebP,
/// GIF, TIFF, BMP, SVG, by the modules installed). Errors name the file. For any thread.
rexnet::result<rexnet::rgb_image> read_picture(const std::string& path);

/// The pixels of a picture that another program dropped; alpha is dropped as in files.
rexnet::rgb_image pixels_of(GdkPixbuf* pixbuf);

}  // namespace viewer

#endif  // REXNET_EXAMPLES_VIEWER_PICTURE_FILES_HPP
