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
#include "rexnet/dispatch/symbol.hpp"

#define REXNET_DECLARE(set) REXNET_HIDDEN extern const rexnet::kernel_table REXNET_UNIT_SYMBOL(kernels, set);
extern "C" {
REXNET_DISPATCH_SETS(REXNET_DECLARE)
}
#undef REXNET_DECLARE

namespace rexnet {
inline namespace REXNET_BUILD {

REXNET_HIDDEN span<const kernel_table> built_kernel_tables() noexcept {
#define REXNET_ENTRY(set) &REXNET_UNIT_SYMBOL(kernels, set),
  static const kernel_table* const units[] = {REXNET_DISPATCH_SETS(REXNET_ENTRY)};
#undef REXNET_ENTRY
  constexpr std::size_t count = sizeof(units) / sizeof(units[0]);
  struct resolved {
    kernel_table tables[count];
    resolved() noexcept { detail::resolve_tables(units, count, tables); }
  };
  static const resolved all;
  return {all.tables, count};
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_DISPATCH_TABLE_HPP
