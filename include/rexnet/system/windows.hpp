// SPDX-License-Identifier: MIT
// The only include of <windows.h>, and the step between its UTF-16 and this library's UTF-8. Empty on other
// systems. A program that needs more of <windows.h> than its lean part includes it before this library.
#ifndef REXNET_SYSTEM_WINDOWS_HPP
#define REXNET_SYSTEM_WINDOWS_HPP

#if defined(_WIN32)

#include "rexnet/core/build.hpp"

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#include <string>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// UTF-16 of UTF-8. Empty, a name that no file has, where `text` is not UTF-8.
[[nodiscard]] inline std::wstring utf16(const std::string& text) {
  const int size = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.c_str(), -1, nullptr, 0);
  if (size <= 0) return {};
  std::wstring wide(static_cast<std::size_t>(size), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.c_str(), -1, &wide[0], size);
  wide.pop_back();  // the terminating zero was counted
  return wide;
}

/// UTF-8 of UTF-16; a lone surrogate, which file names may hold, becomes U+FFFD.
[[nodiscard]] inline std::string utf8(const wchar_t* wide) {
  const int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, nullptr, 0, nullptr, nullptr);
  if (size <= 0) return {};
  std::string text(static_cast<std::size_t>(size), '\0');
  WideCharToMultiByte(CP_UTF8, 0, wide, -1, &text[0], size, nullptr, nullptr);
  text.pop_back();
  return text;
}

/// The system's words for GetLastError()'s `code`, without the full stop, and the number.
[[nodiscard]] inline std::string windows_message(unsigned long code) {
  wchar_t wide[256];
  const DWORD size = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr, code,
                                    0, wide, 256, nullptr);
  std::string text = size > 0 ? utf8(wide) : std::string();
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  if (!text.empty() && text.back() == '.') text.pop_back();
  const std::string number = "Windows error " + std::to_string(code);
  return text.empty() ? number : text + " (" + number + ")";
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // _WIN32

#endif  // REXNET_SYSTEM_WINDOWS_HPP
