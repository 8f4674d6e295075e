// SPDX-License-Identifier: MIT
// Text from outside (paths, names of tensors and classes) that users will see. All of it goes through
// printable() before it reaches a terminal or a log: messages of `error`, and what the command prints.
#ifndef REXNET_CORE_TEXT_HPP
#define REXNET_CORE_TEXT_HPP

#include "rexnet/core/build.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

[[nodiscard]] constexpr bool begins_with(std::string_view s, std::string_view start) noexcept {
  return s.substr(0, start.size()) == start;
}
[[nodiscard]] constexpr bool ends_with(std::string_view s, std::string_view end) noexcept {
  return s.size() >= end.size() && s.substr(s.size() - end.size()) == end;
}

/// Bytes of the UTF-8 character at the start of `s`; 0 where none is there (overlong forms, surrogates and
/// what lies beyond U+10FFFF are none). Precondition: s is not empty.
[[nodiscard]] constexpr std::size_t utf8_length(std::string_view s) noexcept {
  const auto byte = [s](std::size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || length > s.size()) return 0;
  for (std::size_t k = 1; k < length; ++k)
    if ((byte(k) & 0xc0u) != 0x80u) return 0;
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f)) return 0;
  if ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) return 0;
  return length;
}

/// Whether the character, as utf8_length() cut it out, acts on a screen instead of being seen there: the
/// controls of ASCII and of ISO 8859 (C1), line and paragraph separators, and what turns the direction of
/// writing (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).
[[nodiscard]] constexpr bool is_control(std::string_view character) noexcept {
  const auto byte = [character](std::size_t k) { return static_cast<unsigned char>(character[k]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (character.size() == 2)
    return (byte(0) == 0xc2 && byte(1) < 0xa0) || (byte(0) == 0xd8 && byte(1) == 0x9c);
  if (character.size() != 3 || byte(0) != 0xe2) return false;
  return (byte(1) == 0x80 && (byte(2) == 0x8e || byte(2) == 0x8f || (byte(2) >= 0xa8 && byte(2) <= 0xae))) ||
         (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

[[nodiscard]] constexpr bool is_utf8(std::string_view s) noexcept {
  while (!s.empty()) {
    const std::size_t length = utf8_length(s);
    if (length == 0) return false;
    s.remove_prefix(length);
  }
  return true;
}

}  // namespace detail

/// The text with every byte that a terminal would act on, or that is no UTF-8, as \n, \t, \r or \x1b. What
/// is printable stays, a backslash too: this is for people to read, not for programs to decode.
/// @param keep controls that stay, such as "\n" for a text of several lines of the program's own
[[nodiscard]] inline std::string printable(std::string_view s, std::string_view keep = {}) {
  std::string out;
  out.reserve(s.size());
  while (!s.empty()) {
    const std::size_t length = detail::utf8_length(s);
    const std::string_view character = s.substr(0, length > 0 ? length : 1);
    s.remove_prefix(character.size());
    const bool kept = character.size() == 1 && keep.find(character[0]) != keep.npos;
    if (kept || (length > 0 && !detail::is_control(character))) {
      out += character;
      continue;
    }
    for (const char c : character) {
      static constexpr char digits[] = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      if (c == '\n' || c == '\t' || c == '\r')
        out.append(1, '\\').append(1, c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
      else
        out.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
  }
  return out;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_TEXT_HPP
