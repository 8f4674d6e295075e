// SPDX-License-Identifier: MIT
// The board: memory map, caches, console. Run on QEMU's vexpress-a9 only, which has no caches to get wrong.
#include "board.hpp"

#include <cstdint>

extern "C" {
extern unsigned char __flash_start[], __flash_end[], __data_start[], __bss_end[];
extern std::uint32_t __stack_bottom[], __stack_top[];
}

namespace {

constexpr std::uint32_t megabyte = 1u << 20, ram = 0x60000000u, ram_end = ram + 64 * megabyte;

/// The first-level table: one entry per megabyte.
alignas(16384) std::uint32_t sections[4096];

/// The first-level data cache of a Cortex-A9 (4 ways, 256 sets of 32 bytes) is undefined after reset.
void invalidate_data_cache() {
  for (std::uint32_t way = 0; way < 4; ++way)
    for (std::uint32_t set = 0; set < 256; ++set)
      asm volatile("mcr p15, 0, %0, c7, c6, 2" : : "r"(way << 30 | set << 5));
}

}  // namespace

/// Addresses stay what they are; RAM becomes cached, normal memory. Without it, RAM is strongly ordered:
/// slow, and the unaligned accesses of the kernels would fault.
void enable_mmu() {
  for (std::uint32_t i = 0; i < 4096; ++i) {
    const std::uint32_t address = i * megabyte;
    const bool memory = address >= ram && address < ram_end;
    sections[i] = address | (memory ? 0x1c0eu : 0x0c12u);  // write-back; or strongly ordered, no code
  }
  invalidate_data_cache();
  asm volatile(
      "mcr p15, 0, %0, c8, c7, 0\n"  // TLBs
      "mcr p15, 0, %0, c7, c5, 0\n"  // instruction cache
      "mcr p15, 0, %0, c7, c5, 6\n"  // branch predictors
      "mcr p15, 0, %0, c2, c0, 2\n"  // TTBCR: one table,
      "mcr p15, 0, %1, c2, c0, 0\n"  // TTBR0: this
      "mcr p15, 0, %2, c3, c0, 0\n"  // DACR: domain 0 is checked
      "dsb\n isb\n"
      "mrc p15, 0, r3, c1, c0, 0\n"  // SCTLR: MMU, data cache, branch prediction, instruction cache
      "orr r3, r3, %3\n"
      "bic r3, r3, #2\n"  // and no check of alignment
      "mcr p15, 0, r3, c1, c0, 0\n"
      "isb\n"
      :
      : "r"(0), "r"(sections), "r"(1), "r"(1u << 0 | 1u << 2 | 1u << 11 | 1u << 12)
      : "r3", "memory");
}

void print(std::string_view text) {
  constexpr unsigned write_character = 0x03;
  for (const char& c : text) semihosting_call(write_character, &c);
}

void print(unsigned long number) {
  char digits[24];
  std::size_t first = sizeof(digits);
  do digits[--first] = static_cast<char>('0' + number % 10);
  while ((number /= 10) > 0);
  print(std::string_view(digits + first, sizeof(digits) - first));
}

memory_use measure_memory() {
  const std::uint32_t* untouched = __stack_bottom;
  while (untouched < __stack_top && *untouched == 0x5ac35ac3u) ++untouched;
  const auto bytes = [](const void* from, const void* to) {
    return static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(to) -
                                    reinterpret_cast<std::uintptr_t>(from));
  };
  return {bytes(__flash_start, __flash_end), bytes(__data_start, __bss_end),
          bytes(__stack_bottom, __stack_top), bytes(untouched, __stack_top)};
}

void leave(int code) {
  constexpr unsigned exit = 0x18, application_exit = 0x20026, run_time_error = 0x20023;
  semihosting_call(exit, reinterpret_cast<const void*>(code == 0 ? application_exit : run_time_error));
  for (;;) {
  }
}

void fault(int kind, unsigned address) {
  print(kind == 1 ? "undefined instruction near " : kind == 2 ? "prefetch abort near " : "data abort near ");
  print(static_cast<unsigned long>(address));
  print("\n");
  leave(1);
}
