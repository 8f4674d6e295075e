// SPDX-License-Identifier: MIT
// Counts calls of operator new, or the bytes that it holds at a time, while an instance lives.
#ifndef REXNET_TESTS_SUPPORT_ALLOCATION_TRAP_HPP
#define REXNET_TESTS_SUPPORT_ALLOCATION_TRAP_HPP

#include <cstdint>

namespace rexnet_test {

/// On all threads.
class allocation_trap {
 public:
  allocation_trap();
  ~allocation_trap();
  [[nodiscard]] int count() const;
};

/// On one thread. Memory of std::malloc and its kin (aligned_buffer) does not count.
class memory_meter {
 public:
  memory_meter();
  ~memory_meter();
  /// The most bytes that were in use at a time, beyond those before.
  [[nodiscard]] std::int64_t peak() const;
};

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_ALLOCATION_TRAP_HPP
