// SPDX-License-Identifier: MIT
// Binary PNM pictures: P5 (grey) and P6 (RGB) with samples of one byte. Needs no library.
#ifndef REXNET_TOOLS_PNM_HPP
#define REXNET_TOOLS_PNM_HPP

#include "rexnet/core/bytes.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/image/pixels.hpp"

#include <cstdint>

namespace rexnet_tools {

/// Begins as any picture of the PNM family does: P1 to P7 and white space.
[[nodiscard]] bool is_pnm(rexnet::byte_span file);

/// Grey becomes RGB; samples below 255 are scaled as Pillow does, rounding halves to even. What follows the
/// first picture is ignored. Errors: unsupported (text, bitmaps, PAM, 16 bits), limit_exceeded, io_error for
/// everything that is damaged or cut short.
[[nodiscard]] rexnet::result<rexnet::rgb_image> decode_pnm(rexnet::byte_span file,
                                                           std::uint64_t largest = std::uint64_t{1} << 28);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_PNM_HPP
