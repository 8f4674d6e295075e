// SPDX-License-Identifier: MIT
// Checks that are written once and report twice: `return fail(code, parts...)` gives the code alone where no
// heap may be used, and makes a text of the parts where the caller wants one.
#ifndef REXNET_CORE_REPORT_HPP
#define REXNET_CORE_REPORT_HPP

#include "rexnet/core/error.hpp"

#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Keeps the code.
struct report_code {
  template <class... Parts>
  constexpr errc operator()(errc code, const Parts&...) const noexcept {
    return code;
  }
};

/// The parts' text, once and not inlined at each of some thirty refusals: 9 kB of a small program.
/// @{
REXNET_NOINLINE inline void append_part(std::string& text, long long number) {
  text += std::to_string(number);
}
REXNET_NOINLINE inline void append_part(std::string& text, unsigned long long number) {
  text += std::to_string(number);
}
REXNET_NOINLINE inline void append_part(std::string& text, double number) {
  char digits[32];  // "%f" may have 316
  std::snprintf(digits, sizeof(digits), "%g", number);
  text += digits;
}
REXNET_NOINLINE inline void append_part(std::string& text, std::string_view part) {
  text += part;
}
/// @}

/// Appends the parts, texts and numbers, to `text`.
struct report_text {
  std::string& text;
  template <class... Parts>
  errc operator()(errc code, const Parts&... parts) const {
    (append(parts), ...);
    return code;
  }

 private:
  template <class Part>
  void append(const Part& part) const {
    if constexpr (std::is_floating_point_v<Part>)
      append_part(text, static_cast<double>(part));
    else if constexpr (std::is_arithmetic_v<Part>)
      append_part(
          text, static_cast<std::conditional_t<std::is_signed_v<Part>, long long, unsigned long long>>(part));
    else
      append_part(text, part);
  }
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_REPORT_HPP
