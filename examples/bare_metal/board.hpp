// SPDX-License-Identifier: MIT
// What the program needs from the board: output, an end, and figures of memory.
#ifndef REXNET_EXAMPLES_BOARD_HPP
#define REXNET_EXAMPLES_BOARD_HPP

#include <cstddef>
#include <string_view>

/// To the debugger's (QEMU's) console, by Arm semihosting.
void print(std::string_view text);
void print(unsigned long number);

/// In bytes, from the linker script.
struct memory_use {
  std::size_t flash;       ///< code, constants and the initial values of variables
  std::size_t variables;   ///< RAM with initial values or zeroed
  std::size_t stack;       ///< RAM set aside
  std::size_t stack_used;  ///< at most, until now
};
[[nodiscard]] memory_use measure_memory();

extern "C" {
void enable_mmu();
[[noreturn]] void leave(int code);
[[noreturn]] void fault(int kind, unsigned address);
unsigned semihosting_call(unsigned operation, const void* argument);
}

#endif  // REXNET_EXAMPLES_BOARD_HPP
