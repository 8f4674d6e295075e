// SPDX-License-Identifier: MIT
// run_isa ISA PROGRAM [ARG...]: runs a test that was compiled for an instruction set, or exits with 77
// ("skipped" to ctest) where the CPU lacks it. Compiled for the baseline: a program built with AVX-512 may
// use it before main().
#include "rexnet/simd/tiers.hpp"

#include <cstdio>

#if defined(_WIN32)
#include <process.h>
#else
#include <unistd.h>
#endif

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: run_isa ISA PROGRAM [ARG...]\n");
    return 2;
  }
  if (!rexnet::runs(rexnet::this_cpu(), argv[1])) {
    std::printf("skipped: this CPU lacks %s\n", argv[1]);
    return 77;
  }
#if defined(_WIN32)
  return static_cast<int>(_spawnv(_P_WAIT, argv[2], argv + 2));
#else
  execv(argv[2], argv + 2);
  std::perror(argv[2]);
  return 1;
#endif
}
