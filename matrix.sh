#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The wide matrix, for releases and for changes below include/: other processors, systems and libraries. Installs what it
# needs (Debian 12), keeps each part's output in build/matrix/, prints a table. About four hours on two cores, reckoned
# from its parts. Parts marked * have tests of the presets dev and asan-ubsan that ./test.sh leaves out.
# Usage: ./matrix.sh [PART...]
#   asan *            everything under AddressSanitizer and UndefinedBehaviorSanitizer; only here: command_outputs,
#                     features, names, embedded, and network, ops, math, detector and fidelity with SSE2's kernels
#   clang             everything with clang, each source file by itself
#   floats            SiLU and sigmoid of every float, with every instruction set (./test.sh takes one in 251)
#   fuzz              the fuzzers for a minute each, kernels of AVX-512 among them
#   header_only       unit tests without dispatch, at -O2 (./test.sh: one copy of the kernels, -Og)
#   lint *            clang-tidy with its static analyzer; only here: the analyzer, and the command's sources
#   noexcept          without exceptions and RTTI
#   aarch64 armv7     ARM under qemu-user; armv7 with and armv7-neon without fused multiply-adds
#   windows           mingw-w64, everything under wine
#   bare_metal *      a Cortex-A9 without operating system under qemu-system-arm
#   packages *        every way in which other projects get this one; only here: Debian packages, FetchContent
#   valgrind *        memcheck on the command
#   xsimd             everything with the newest xsimd, emulated vectors too
#   march             the headers for every -march that the compilers know
#   soak              100,000 requests on four threads: answers and memory
#   coverage          lines and branches of include/ that tests reach; tests/coverage.md explains the rest
#   mutants           mistakes made on purpose in the headers: a test must notice each
set -uo pipefail
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- asan clang floats fuzz header_only lint noexcept aarch64 armv7 armv7-neon windows bare_metal packages \
  valgrind xsimd march soak coverage mutants
mkdir -p build/matrix

preset() { ./test.sh "$1"; }
arm() { # arm PRESET DEBIAN_ARCHITECTURE
  ./cmake/install-packages.sh arm && ./cmake/fetch-target-libraries.sh "$2" "build/libraries-$2" && preset "$1"
}
dev() { # dev TESTS [TARGET...]: these tests of the preset dev, the wide ones too, and what they run
  local tests=$1
  shift
  ./cmake/install-packages.sh tests && cmake --preset dev &&
    { [ $# -eq 0 ] || cmake --build --preset dev --target "$@"; } &&
    ctest --test-dir build/dev -R "$tests" -V --no-tests=error
}
part() {
  case $1 in
    aarch64) arm aarch64 arm64 ;;
    armv7 | armv7-neon) arm "$1" armhf ;;
    asan)
      ./cmake/install-packages.sh tests && cmake --preset asan-ubsan &&
        cmake --build --preset asan-ubsan --target all wide_tests &&
        ctest --test-dir build/asan-ubsan -E '^fuzz[.]' -j "$(nproc)" --output-on-failure --no-tests=error
      ;;
    bare_metal) ./cmake/install-packages.sh bare_metal && dev '^bare_metal$' test_embedded ;;
    packages) dev '^package[.]' rexnet_command rexnet_c ;;
    valgrind) dev '^valgrind$' rexnet_command write_checkpoint ;;
    xsimd) ./cmake/install-packages.sh tests && ./tests/xsimd_newest.sh ;;
    soak) REXNET_REQUESTS=100000 dev '^soak$' test_soak ;;
    floats) REXNET_EVERY_FLOAT=1 dev '^math[.]' kernel_tests ;;
    fuzz)
      ./cmake/install-packages.sh tests && cmake --preset fuzz -B build/fuzz_all -DREXNET_ISAS="sse2;fma3_avx2;avx512bw" &&
        cmake --build build/fuzz_all --target fuzzers &&
        REXNET_FUZZ_SECONDS=60 ctest --test-dir build/fuzz_all -R '^fuzz[.]' -j "$(nproc)" --output-on-failure --no-tests=error
      ;;
    header_only)
      ./cmake/install-packages.sh tests &&
        cmake --preset dev -B build/header_only -DREXNET_TESTS_HEADER_ONLY=ON -DREXNET_BUILD_EXAMPLES=OFF &&
        cmake --build build/header_only --target unit_tests && ctest --test-dir build/header_only -L unit -j 2 --output-on-failure
      ;;
    lint) REXNET_ANALYZER=1 dev '^lint[.]clang_tidy' ;;
    coverage) ./cmake/install-packages.sh coverage && ./tests/coverage.sh ;;
    mutants) ./cmake/install-packages.sh tests && ./tests/mutants/run.py ;;
    march) ./cmake/install-packages.sh march && ./tests/march_matrix.sh ;;
    clang) cmake --preset clang -DCMAKE_UNITY_BUILD=OFF -DREXNET_TESTS_TOGETHER=OFF && preset clang ;;
    *) preset "$1" ;;
  esac
}

failed=0
for name in "$@"; do
  log=build/matrix/$name.log start=$SECONDS state=passed
  part "$name" > "$log" 2>&1 || { state=FAILED failed=1; }
  printf '%-10s %-6s %4d s  %s\n' "$name" "$state" $((SECONDS - start)) \
    "$(grep -E '% tests passed|^[0-9]+ of [0-9]+ ' "$log" | tail -1)"
done
exit $failed
