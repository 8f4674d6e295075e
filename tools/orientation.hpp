// SPDX-License-Identifier: MIT
// The orientation of a picture file: Exif and XMP, found where Pillow's getexif() finds them.
#ifndef REXNET_TOOLS_ORIENTATION_HPP
#define REXNET_TOOLS_ORIENTATION_HPP

#include "rexnet/core/bytes.hpp"
#include "rexnet/image/pixels.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rexnet_tools {

/// What ImageOps.exif_transpose would act on.
struct picture_notes {
  std::string exif;  ///< a TIFF structure behind "Exif\0\0" (once, twice or not at all)
  std::string xmp;
};

/// The first value of a tag in the first directory of a TIFF structure (Exif is one); NaN where it is no
/// number.
[[nodiscard]] std::optional<double> tiff_number(rexnet::byte_span tiff, std::uint64_t tag);

/// Orientation of TIFF 6, 1 to 8; 1 where none is stated, or another number. XMP counts where Exif has no
/// such tag. The tag may have any numeric type; of several entries the first counts.
[[nodiscard]] int stated_orientation(const picture_notes& notes);

/// Of a whole file. @param kind as file_kind names it; formats without notes give 1
[[nodiscard]] int stated_orientation(const std::string& kind, rexnet::byte_span file);

/// The picture, turned upright. @param how its orientation, 1 to 8
[[nodiscard]] rexnet::rgb_image upright(rexnet::rgb_image in, int how);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_ORIENTATION_HPP
