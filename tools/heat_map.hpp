// SPDX-License-Identifier: MIT
// A class activation map in colours over its picture.
#ifndef REXNET_TOOLS_HEAT_MAP_HPP
#define REXNET_TOOLS_HEAT_MAP_HPP

#include "rexnet/core/views.hpp"
#include "rexnet/image/pixels.hpp"
#include "rexnet/image/preprocess.hpp"

namespace rexnet_tools {

/// The picture with the map over the part that the network saw: its grey shades colours from dark violet (the
/// map's least value) over red to yellow (its greatest), so it says where, not how much. Outside the
/// picture stays as it is, darker.
/// @param input how the picture became the network's input
/// @param map   [h][w], a place for every 32nd pixel of that
[[nodiscard]] rexnet::rgb_image heat_map(const rexnet::rgb_image& picture, const rexnet::preprocessing& input,
                                         rexnet::span<const float> map, int h, int w);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_HEAT_MAP_HPP
