// SPDX-License-Identifier: MIT
// A font of lines of one thickness, sharp at every size: the printable characters of ASCII.
#ifndef REXNET_TOOLS_STROKE_FONT_HPP
#define REXNET_TOOLS_STROKE_FONT_HPP

#include <cstdint>
#include <string_view>
#include <vector>

namespace rexnet_tools {

/// Whether the font has every character of the text.
[[nodiscard]] bool font_has(std::string_view text);

/// A line of text with a margin around it.
struct drawn_text {
  int width = 0, height = 0;
  std::vector<std::uint8_t> coverage;  ///< [height][width]: 0 outside of the lines, 255 inside
};

/// Pixels that the line takes, with its margin. Precondition: font_has(text).
/// @param size height of the capitals in pixels, from 7 on to be readable
/// @{
[[nodiscard]] int text_width(std::string_view text, double size);
[[nodiscard]] int text_height(double size);
[[nodiscard]] drawn_text draw_text(std::string_view text, double size);
/// @}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_STROKE_FONT_HPP
