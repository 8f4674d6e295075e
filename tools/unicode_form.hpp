// SPDX-License-Identifier: MIT
// One spelling for what Unicode can spell in two ways: "é" as one character (composed, NFC, what keyboards
// give), or as "e" and an accent (decomposed, NFD, as names from macOS' disks and archives often are).
#ifndef REXNET_TOOLS_UNICODE_FORM_HPP
#define REXNET_TOOLS_UNICODE_FORM_HPP

#include <string>

namespace rexnet_tools {

/// Whether composed() composes: with utf8proc (https://juliastrings.github.io/utf8proc), or on Windows.
[[nodiscard]] bool can_compose();
/// The text in NFC. The text itself where it is not UTF-8, or where can_compose() is false.
[[nodiscard]] std::string composed(const std::string& text);
/// The text with all characters but ASCII as \u{301}: for people whose screen shows both spellings alike.
[[nodiscard]] std::string spelt_out(const std::string& text);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_UNICODE_FORM_HPP
