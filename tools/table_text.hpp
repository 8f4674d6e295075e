// SPDX-License-Identifier: MIT
// Columns of a table on a terminal.
#ifndef REXNET_TOOLS_TABLE_TEXT_HPP
#define REXNET_TOOLS_TABLE_TEXT_HPP

#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <string>

namespace rexnet_tools {

/// No name takes more.
inline constexpr std::size_t name_columns = 24;

/// printf's text, at most 255 bytes.
inline std::string format(const char* how, ...) {
  char text[256];
  va_list values;
  va_start(values, how);
  std::vsnprintf(text, sizeof(text), how, values);
  va_end(values);
  return text;
}

/// Columns of UTF-8 on a screen, near enough: its characters.
inline std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

/// At most `width` characters of it.
inline std::string shortened(const std::string& text, std::size_t width) {
  std::size_t at = 0;
  for (std::size_t n = 0; at < text.size(); ++at)
    if ((text[at] & 0xc0) != 0x80 && n++ == width) break;
  return text.substr(0, at);
}

/// Exactly `width` columns.
/// @{
inline std::string left(const std::string& text, std::size_t width) {
  const std::string s = shortened(text, width);
  return s + std::string(width - columns(s), ' ');
}

inline std::string right(const std::string& text, std::size_t width) {
  const std::string s = shortened(text, width);
  return std::string(width - columns(s), ' ') + s;
}
/// @}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_TABLE_TEXT_HPP
