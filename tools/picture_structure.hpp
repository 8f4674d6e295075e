// SPDX-License-Identifier: MIT
// Is a picture file whole? For decoders that give half a picture without an error, such as Windows' own, and
// for libpng, which refuses more than Pillow where no pixel depends on it.
#ifndef REXNET_TOOLS_PICTURE_STRUCTURE_HPP
#define REXNET_TOOLS_PICTURE_STRUCTURE_HPP

#include "tools/image_codecs.hpp"

namespace rexnet_tools {

/// From the first segment to the end-of-image marker: lengths, a frame, a scan. Bytes between segments are
/// skipped: cameras leave some. What the compressed data hold is not looked at. Errors: io_error,
/// limit_exceeded.
[[nodiscard]] rexnet::status check_jpeg(rexnet::byte_span file, std::uint64_t largest = max_pixels);

/// A PNG's picture: signature, IHDR, PLTE, the first run of IDAT, IEND. What Pillow skips is left out, so
/// that libpng cannot refuse it: unknown chunks, text, colour profiles. As in Pillow, every chunk before the
/// picture has its checksum; behind it nothing has to follow, not even IEND, but a chunk that is cut short is
/// an error. Other than in Pillow, IDAT has its checksum, too, where it is there. Errors: io_error,
/// limit_exceeded.
[[nodiscard]] rexnet::result<std::string> essential_png(rexnet::byte_span file,
                                                        std::uint64_t largest = max_pixels);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_PICTURE_STRUCTURE_HPP
