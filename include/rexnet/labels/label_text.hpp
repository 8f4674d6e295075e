// SPDX-License-Identifier: MIT
// What a class may be called: the one rule for packed files, written and read, and for lists of names.
#ifndef REXNET_LABELS_LABEL_TEXT_HPP
#define REXNET_LABELS_LABEL_TEXT_HPP

#include "rexnet/core/report.hpp"
#include "rexnet/core/text.hpp"

#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// The first 60 bytes, whole characters of them where it is UTF-8.
[[nodiscard]] constexpr std::string_view beginning(std::string_view s) noexcept {
  std::size_t n = s.size() < 60 ? s.size() : 60;
  while (n > 0 && n < s.size() && (static_cast<unsigned char>(s[n]) & 0xc0u) == 0x80u) --n;
  return {s.data(), n};
}

/// Names of classes are UTF-8 without what is_control() says, line feeds and tabs among it: programs, files
/// and terminals disagree about everything else. An empty name is one. fail(code, parts of a text...)
/// reports what is wrong (packed_label_text, K12), and what it returns is returned.
/// @param what "label ", "line ": what `number` counts
template <class Fail>
[[nodiscard]] constexpr errc check_label(std::string_view label, const char* what, std::size_t number,
                                         Fail&& fail) {
  constexpr errc bad = errc::packed_label_text;
  for (std::string_view rest = label; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    if (length == 0) return fail(bad, what, number, " \"", beginning(label), "\": is not UTF-8");
    if (is_control({rest.data(), length}))
      return fail(bad, what, number, " \"", beginning(label), "\": has a control character");
    rest.remove_prefix(length);
  }
  return errc::ok;
}

/// The same for all of them. @param labels of anything that converts to string_view
template <class Labels, class Fail>
[[nodiscard]] constexpr errc check_labels(const Labels& labels, Fail&& fail) {
  std::size_t number = 0;
  for (const auto& label : labels)
    if (const errc e = check_label(label, "label ", ++number, fail); e != errc::ok) return e;
  return errc::ok;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_LABELS_LABEL_TEXT_HPP
