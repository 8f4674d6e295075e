// SPDX-License-Identifier: MIT
// The entry of every test program. Exit code 77 tells ctest "skipped": this CPU cannot run the instruction
// set that the program was compiled for, or every test case found its fixtures missing.
#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>

namespace {

bool cpu_can_run(const char* isa) {
#if defined(__x86_64__) || defined(__i386__)
  if (std::strcmp(isa, "fma3_avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (std::strcmp(isa, "avx512bw") == 0)
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#endif
  static_cast<void>(isa);
  return true;
}

}  // namespace

namespace rexnet_test {
skip_counts& skips() {
  static skip_counts counts;
  return counts;
}
}  // namespace rexnet_test

int main(int argc, char** argv) {
#ifdef REXNET_TEST_ISA
  if (!cpu_can_run(REXNET_TEST_ISA)) {
    std::printf("skipped: this CPU lacks %s\n", REXNET_TEST_ISA);
    return 77;
  }
#endif
  static_cast<void>(cpu_can_run);
  doctest::Context context(argc, argv);
  const int failed = context.run();
  if (failed != 0 || context.shouldExit()) return failed;
  if (rexnet_test::skips().skipped > 0 && rexnet_test::skips().ran == 0) return 77;
  return 0;
}
