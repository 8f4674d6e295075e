// SPDX-License-Identifier: MIT
// Counts calls of operator new on all threads while an instance lives.
#ifndef REXNET_TESTS_SUPPORT_ALLOCATION_TRAP_HPP
#define REXNET_TESTS_SUPPORT_ALLOCATION_TRAP_HPP

namespace rexnet_test {

class allocation_trap {
 public:
  allocation_trap();
  ~allocation_trap();
  [[nodiscard]] int count() const;
};

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_ALLOCATION_TRAP_HPP
