// SPDX-License-Identifier: MIT
// A counter that workers share. Compilers' own atomics instead of std::atomic, which leaves functions of
// namespace std behind at -O0: a dispatch unit (dispatch/unit.hpp) may have no functions but its own.
#ifndef REXNET_CORE_COUNTER_HPP
#define REXNET_CORE_COUNTER_HPP

#include "rexnet/core/build.hpp"

#if defined(_MSC_VER) && !defined(__clang__)
#include <atomic>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

class shared_counter {
 public:
  /// Not atomic: before the workers start.
  void reset() noexcept { value_ = 0; }
#if defined(_MSC_VER) && !defined(__clang__)
  int take() noexcept {
    return value_.fetch_add(1, std::memory_order_relaxed);
  }
  void add(int n) noexcept {
    value_.fetch_add(n, std::memory_order_acq_rel);
  }
  [[nodiscard]] int read() const noexcept {
    return value_.load(std::memory_order_acquire);
  }

 private:
  std::atomic<int> value_{0};
#else
  /// The next number, from 0; orders nothing.
  int take() noexcept {
    return __atomic_fetch_add(&value_, 1, __ATOMIC_RELAXED);
  }
  /// A thread that reads the sum sees what the caller wrote before.
  void add(int n) noexcept {
    __atomic_fetch_add(&value_, n, __ATOMIC_ACQ_REL);
  }
  [[nodiscard]] int read() const noexcept {
    return __atomic_load_n(&value_, __ATOMIC_ACQUIRE);
  }

 private:
  int value_ = 0;
#endif
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_COUNTER_HPP
