// SPDX-License-Identifier: MIT
// The measuring loops, once per instruction set of the command.
#include "tools/measure_loops.hpp"

#include "rexnet/dispatch/symbol.hpp"

extern "C" REXNET_HIDDEN const rexnet_tools::measure_loops* REXNET_UNIT_SYMBOL(measure, REXNET_UNIT)() {
  return &rexnet_tools::loops_of<rexnet::simd::default_arch>;
}
