// SPDX-License-Identifier: MIT
// The kernels that operators use where the caller names none.
#ifndef REXNET_DISPATCH_DEFAULT_KERNELS_HPP
#define REXNET_DISPATCH_DEFAULT_KERNELS_HPP

#if defined(REXNET_DISPATCH)
#include "rexnet/dispatch/select.hpp"
#else
#include "rexnet/kernels/kernels.hpp"
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

/// Those of the compiler's instruction set; in a program that chooses at run time (docs/dispatch.md) those of
/// chosen_kernel_table(), null where none runs on this CPU.
[[nodiscard]] inline const kernel_table* default_kernels() {
#if defined(REXNET_DISPATCH)
  const auto chosen = chosen_kernel_table();
  return chosen ? *chosen : nullptr;
#else
  return &kernels_of<simd::default_arch>;
#endif
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_DISPATCH_DEFAULT_KERNELS_HPP
