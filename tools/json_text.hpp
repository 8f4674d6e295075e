// SPDX-License-Identifier: MIT
// JSON as the command prints it: always valid, and harmless to a terminal.
#ifndef REXNET_TOOLS_JSON_TEXT_HPP
#define REXNET_TOOLS_JSON_TEXT_HPP

#include "rexnet/core/text.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <string>
#include <string_view>

namespace rexnet_tools {

/// The text, and a line feed. JSON must be UTF-8 and names need not be: bytes that are not become U+FFFD.
/// Controls beyond ASCII, which JSON allows, become escapes of four digits: they mean the same to a parser,
/// and a terminal does not obey them.
/// @param indent spaces for each level; -1: one line
[[nodiscard]] inline std::string json_text(const nlohmann::ordered_json& j, int indent = 2) {
  const std::string raw = j.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string out;
  out.reserve(raw.size() + 1);
  for (std::string_view rest = raw; !rest.empty();) {
    const std::string_view c = rest.substr(0, rexnet::detail::utf8_length(rest));
    rest.remove_prefix(c.size());
    if (c == "\n" || !rexnet::detail::is_control(c)) {
      out += c;
      continue;
    }
    // None of them is beyond three bytes.
    const auto byte = [c](std::size_t k) { return static_cast<unsigned>(static_cast<unsigned char>(c[k])); };
    const unsigned point = c.size() == 1   ? byte(0)
                           : c.size() == 2 ? (byte(0) & 31u) << 6 | (byte(1) & 63u)
                                           : (byte(0) & 15u) << 12 | (byte(1) & 63u) << 6 | (byte(2) & 63u);
    char text[8];
    std::snprintf(text, sizeof(text), "\\u%04x", point);
    out += text;
  }
  return out + '\n';
}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_JSON_TEXT_HPP
