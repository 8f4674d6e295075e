// SPDX-License-Identifier: MIT
// The measuring loops of the instruction set that a network uses.
#include "rexnet/dispatch/symbol.hpp"

#include "tools/commands.hpp"
#include "tools/measure_loops.hpp"

#include <rexnet_dispatch_sets.hpp>

#define REXNET_DECLARE(set) \
  extern "C" REXNET_HIDDEN const rexnet_tools::measure_loops* REXNET_UNIT_SYMBOL(measure, set)();
REXNET_DISPATCH_SETS(REXNET_DECLARE)
#undef REXNET_DECLARE

namespace rexnet_tools {

const measure_loops& loops_for(const std::string& set) {
#define REXNET_ENTRY(name) \
  if (set == #name) return *REXNET_UNIT_SYMBOL(measure, name)();
  REXNET_DISPATCH_SETS(REXNET_ENTRY)
#undef REXNET_ENTRY
  throw rexnet::error(rexnet::errc::unsupported, "no measurement for the instruction set " + set);
}

}  // namespace rexnet_tools
