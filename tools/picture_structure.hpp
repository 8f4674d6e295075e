// SPDX-License-Identifier: MIT
// Is a picture file whole? For decoders that give half a picture without a word, such as Windows' own. What a
// JPEG's compressed data hold is not looked at; a PNG's chunks have checksums.
#ifndef REXNET_TOOLS_PICTURE_STRUCTURE_HPP
#define REXNET_TOOLS_PICTURE_STRUCTURE_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/weights/bytes.hpp"

namespace rexnet_tools {

/// From the first segment to the end-of-image marker: lengths, a frame, a scan. Bytes between segments are
/// skipped: cameras leave some. Errors: io_error, limit_exceeded.
[[nodiscard]] rexnet::status check_jpeg(rexnet::byte_span file);

/// Every chunk's length and checksum; IHDR first, IDAT, IEND. Errors: io_error, limit_exceeded.
[[nodiscard]] rexnet::status check_png(rexnet::byte_span file);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_PICTURE_STRUCTURE_HPP
