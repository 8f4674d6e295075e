// SPDX-License-Identifier: MIT
// The border between a program and its dispatch units. Either side has types of its own (a unit's namespace
// names its instruction set), compiled from the same headers: values cross as bytes, with their sizes, so
// that objects of different versions refuse each other instead of misreading.
#ifndef REXNET_DISPATCH_KERNEL_SET_HPP
#define REXNET_DISPATCH_KERNEL_SET_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/engine/request.hpp"
#include "rexnet/kernels/resample.hpp"
#include "rexnet/payload/layout.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// One forward() across the border: the addresses of a config, a weights_layout, a plan and a
/// forward_request. The last holds the address of feature_taps, so the size of these counts with it.
struct unit_call {
  std::uint32_t bytes[4] = {sizeof(config), sizeof(weights_layout), sizeof(plan),
                            sizeof(forward_request) + (sizeof(feature_taps) << 16)};
  const void* values[4] = {};
  const float* payload = nullptr;
};

/// Whether the caller's types have this side's sizes.
[[nodiscard]] inline bool same_headers(const unit_call& call) noexcept {
  const unit_call mine;
  for (int i = 0; i < 4; ++i)
    if (call.bytes[i] != mine.bytes[i]) return false;
  return true;
}

/// Value `index`, copied out.
template <class T>
[[nodiscard]] T copy_value(const unit_call& call, int index) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, call.values[index], sizeof(T));
  return value;
}

}  // namespace detail

/// Kernels of one instruction set, compiled into this program by a dispatch unit.
struct kernel_set {
  const char* name = nullptr;  ///< "sse2", "fma3_avx2", "avx512bw", "neon64", "neon"
  /// A detail::unit_call; an errc.
  int (*forward)(const void* call) = nullptr;
  detail::resample_kernels resample{};  ///< the resize's loops
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

/// Name of a unit's function; hidden, so that two libraries of one program keep their own.
#define REXNET_UNIT_SYMBOL(function, set) \
  REXNET_JOIN(REXNET_JOIN(rexnet, REXNET_THREADING), REXNET_JOIN(function, set))

#endif  // REXNET_DISPATCH_KERNEL_SET_HPP
