// SPDX-License-Identifier: MIT
// A detector's boxes over their picture.
#ifndef REXNET_TOOLS_DRAWN_BOXES_HPP
#define REXNET_TOOLS_DRAWN_BOXES_HPP

#include "rexnet/heads/ssd.hpp"
#include "rexnet/image/pixels.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace rexnet_tools {

/// The colour of a class, the same in every picture. Classes whose numbers are near differ most.
[[nodiscard]] std::array<std::uint8_t, 3> colour_of_class(int number);

/// The picture with the boxes, each in the colour of its class, and on them names and scores: the more
/// probable over the less probable. Lines and text grow with the picture; a picture of less than some 56
/// pixels in height gets no text. A name with characters that are not ASCII's is drawn as "class 3"; one that
/// is wider than half of the picture and than its box is cut.
/// @param found the most probable first, in pixels of the picture
/// @param names of each of them
[[nodiscard]] rexnet::rgb_image with_boxes(const rexnet::rgb_image& picture,
                                           rexnet::span<const rexnet::detection> found,
                                           const std::vector<std::string>& names);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_DRAWN_BOXES_HPP
