// SPDX-License-Identifier: MIT
// Boxes of ISO media files (ISO/IEC 14496-12, 23008-12): what libheif 1.15 has no function for.
#ifndef REXNET_TOOLS_ISO_BOXES_HPP
#define REXNET_TOOLS_ISO_BOXES_HPP

#include "rexnet/core/bytes.hpp"

namespace rexnet_tools {

/// Orientation 1 to 8 by the primary item's rotation ('irot') and mirroring ('imir'); 1 without.
[[nodiscard]] int iso_orientation(rexnet::byte_span file);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_ISO_BOXES_HPP
