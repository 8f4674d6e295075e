// SPDX-License-Identifier: MIT
// The one place where sizes that come from a file are multiplied and added: incomplete overflow checks have
// been exploited in model loaders (CVE-2025-53630, then CVE-2026-27940).
#ifndef REXNET_CORE_CHECKED_HPP
#define REXNET_CORE_CHECKED_HPP

#include "rexnet/core/build.hpp"

#include <cstdint>
#include <limits>

namespace rexnet {
inline namespace REXNET_BUILD {

/// An unsigned 64-bit size that remembers overflow: any overflow makes the whole expression !valid().
///   const checked n = checked(shape[0]) * shape[1] * 4;   if (!n.valid()) ...;   use(n.get());
class checked {
 public:
  constexpr checked(std::uint64_t value) noexcept : value_(value) {}
  [[nodiscard]] constexpr bool valid() const noexcept { return valid_; }
  /// Valid and at most `limit`: the usual question before an access.
  [[nodiscard]] constexpr bool at_most(std::uint64_t limit) const noexcept {
    return valid_ && value_ <= limit;
  }
  /// Precondition: valid().
  [[nodiscard]] constexpr std::uint64_t get() const noexcept { return value_; }

  friend constexpr checked operator*(checked a, checked b) noexcept {
    const bool fits = a.value_ == 0 || b.value_ <= (std::numeric_limits<std::uint64_t>::max)() / a.value_;
    return checked(fits ? a.value_ * b.value_ : 0, a.valid_ && b.valid_ && fits);
  }
  friend constexpr checked operator+(checked a, checked b) noexcept {
    const bool fits = b.value_ <= (std::numeric_limits<std::uint64_t>::max)() - a.value_;
    return checked(fits ? a.value_ + b.value_ : 0, a.valid_ && b.valid_ && fits);
  }

 private:
  constexpr checked(std::uint64_t value, bool valid) noexcept : value_(value), valid_(valid) {}
  std::uint64_t value_;
  bool valid_ = true;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_CHECKED_HPP
