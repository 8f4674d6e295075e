// SPDX-License-Identifier: MIT
#include "tools/unicode_form.hpp"

#include "rexnet/core/text.hpp"
#include "rexnet/system/windows.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#if defined(REXNET_WITH_UTF8PROC)
#include <utf8proc.h>
#endif

namespace rexnet_tools {
namespace {

bool is_ascii(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

}  // namespace

#if defined(_WIN32)
bool can_compose() {
  return true;
}
std::string composed(const std::string& text) {
  if (is_ascii(text) || !rexnet::detail::is_utf8(text)) return text;
  const std::wstring in = rexnet::detail::utf16(text);
  // The first answer is an estimate, which the system may raise.
  for (int size = NormalizeString(NormalizationC, in.c_str(), -1, nullptr, 0); size > 0;) {
    std::wstring out(static_cast<std::size_t>(size), L'\0');
    const int got = NormalizeString(NormalizationC, in.c_str(), -1, &out[0], size);
    if (got > 0) return rexnet::detail::utf8(out.c_str());
    if (GetLastError() != ERROR_INSUFFICIENT_BUFFER || -got <= size) break;
    size = -got;
  }
  return text;
}
#elif defined(REXNET_WITH_UTF8PROC)
bool can_compose() {
  return true;
}
std::string composed(const std::string& text) {
  if (is_ascii(text)) return text;
  utf8proc_uint8_t* out = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
      &out, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) return text;  // not UTF-8
  std::string result(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
  std::free(out);
  return result;
}
#else
bool can_compose() {
  return false;
}
std::string composed(const std::string& text) {
  return text;
}
#endif

std::string spelt_out(const std::string& text) {
  if (is_ascii(text)) return text;
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t length = rexnet::detail::utf8_length(rest);
    if (length < 2) {
      out += rest[0];
    } else {
      unsigned code = static_cast<unsigned char>(rest[0]) & (0xffu >> (length + 1));
      for (std::size_t k = 1; k < length; ++k)
        code = code << 6 | (static_cast<unsigned char>(rest[k]) & 0x3fu);
      char spelt[16];
      std::snprintf(spelt, sizeof(spelt), "\\u{%x}", code);
      out += spelt;
    }
    rest.remove_prefix(length > 0 ? length : 1);
  }
  return out;
}

}  // namespace rexnet_tools
