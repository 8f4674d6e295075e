// SPDX-License-Identifier: MIT
// Checks that are written once and report twice: `return fail(code, parts...)` gives the code alone where no
// heap may be used, and makes a text of the parts where the caller wants one.
#ifndef REXNET_CORE_REPORT_HPP
#define REXNET_CORE_REPORT_HPP

#include "rexnet/core/error.hpp"

#include <cstdio>
#include <string>
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
    if constexpr (std::is_floating_point_v<Part>) {
      char number[32];  // std::to_string() writes 1e300 with 301 digits
      std::snprintf(number, sizeof(number), "%g", static_cast<double>(part));
      text += number;
    } else if constexpr (std::is_arithmetic_v<Part>) {
      text += std::to_string(part);
    } else {
      text += part;
    }
  }
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_REPORT_HPP
