// SPDX-License-Identifier: MIT
// What the linker calls the tables of a program's dispatch units.
#ifndef REXNET_DISPATCH_SYMBOL_HPP
#define REXNET_DISPATCH_SYMBOL_HPP

#include "rexnet/core/build.hpp"

/// Name of a unit's table or function; hidden, so that two libraries of one program keep their own. It has
/// the mode of threads: a program may have a library with OpenMP and another one without.
#define REXNET_UNIT_SYMBOL(what, set) \
  REXNET_JOIN(REXNET_JOIN(rexnet, REXNET_THREADING), REXNET_JOIN(what, set))

#endif  // REXNET_DISPATCH_SYMBOL_HPP
