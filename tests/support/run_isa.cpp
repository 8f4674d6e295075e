// SPDX-License-Identifier: MIT
// run_isa ISA PROGRAM [ARG...]: runs a test that was compiled for an instruction set, or exits with 77
// ("skipped" to ctest) where the CPU lacks it. Compiled for the baseline: a program built with AVX-512 may
// use it before main().
#include <cstdio>
#include <cstring>

#if defined(_WIN32)
#include <process.h>
#else
#include <unistd.h>
#endif

static bool cpu_can_run(const char* isa) {
#if defined(__x86_64__) || defined(__i386__)
  if (std::strcmp(isa, "fma3_avx2") == 0)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (std::strcmp(isa, "avx512bw") == 0)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#endif
  static_cast<void>(isa);
  return true;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: run_isa ISA PROGRAM [ARG...]\n");
    return 2;
  }
  if (!cpu_can_run(argv[1])) {
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
