// SPDX-License-Identifier: MIT
// Text in a picture's SVG.
#ifndef REXNET_TOOLS_XML_TEXT_HPP
#define REXNET_TOOLS_XML_TEXT_HPP

#include "rexnet/core/text.hpp"

#include <string>

namespace rexnet_tools {

/// Text as XML 1.0 has it, between tags and in quotes: it must be UTF-8, and has no control characters, not
/// even by number; printable() spells them. The last two places of the first plane are no characters either.
[[nodiscard]] inline std::string xml_text(const std::string& text) {
  std::string out;
  for (const char c : rexnet::printable(text)) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  for (const char* none : {"\xef\xbf\xbe", "\xef\xbf\xbf"})
    for (std::size_t at = 0; (at = out.find(none, at)) != out.npos;) out.replace(at, 3, "\xef\xbf\xbd");
  return out;
}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_XML_TEXT_HPP
