// SPDX-License-Identifier: MIT
// The list of a program's instruction sets. One source file, compiled without any set's flags:
//   #define REXNET_DISPATCH_SETS(use) use(avx512bw) use(fma3_avx2) use(sse2)
//   #include <rexnet/dispatch/table.hpp>
// Best first. rexnet_add_dispatch() writes it.
#ifndef REXNET_DISPATCH_TABLE_HPP
#define REXNET_DISPATCH_TABLE_HPP

#if !defined(REXNET_DISPATCH_SETS)
#error "rexnet: define REXNET_DISPATCH_SETS(use) before this header, once per program"
#endif

#include "rexnet/dispatch/select.hpp"

#define REXNET_DECLARE(set)                                                            \
  extern "C" REXNET_HIDDEN int REXNET_UNIT_SYMBOL(forward, set)(const void* call);     \
  extern "C" REXNET_HIDDEN void REXNET_UNIT_SYMBOL(resample_row, set)(                 \
      const std::uint8_t*, const void*, const std::int32_t*, int, int, std::uint8_t*); \
  extern "C" REXNET_HIDDEN void REXNET_UNIT_SYMBOL(resample_column, set)(              \
      const std::uint8_t*, std::ptrdiff_t, const std::int32_t*, int, std::ptrdiff_t, std::uint8_t*);
REXNET_DISPATCH_SETS(REXNET_DECLARE)
#undef REXNET_DECLARE

namespace rexnet {
inline namespace REXNET_BUILD {

REXNET_HIDDEN span<const kernel_set> built_kernel_sets() noexcept {
#define REXNET_ENTRY(set)            \
  {#set,                             \
   REXNET_UNIT_SYMBOL(forward, set), \
   {REXNET_UNIT_SYMBOL(resample_row, set), REXNET_UNIT_SYMBOL(resample_column, set)}},
  static constexpr kernel_set sets[] = {REXNET_DISPATCH_SETS(REXNET_ENTRY)};
#undef REXNET_ENTRY
  return {sets, sizeof(sets) / sizeof(sets[0])};
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_DISPATCH_TABLE_HPP
