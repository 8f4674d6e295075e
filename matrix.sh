#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The wide matrix, for releases and for changes below include/: other processors, systems and libraries. Installs what it
# needs (Debian 12), keeps each part's output in build/matrix/, prints a table. About an hour and a half on two cores.
# Usage: ./matrix.sh [PART...]
#   clang             everything with clang, each source file by itself
#   floats            SiLU and sigmoid of every float, with every instruction set (./test.sh takes one in 251)
#   fuzz              the fuzzers for a minute each, kernels of AVX-512 among them
#   header_only       unit tests without dispatch, at -O2 (./test.sh: one copy of the kernels, -Og)
#   lint              clang-tidy with its static analyzer, which ./test.sh leaves out
#   noexcept          without exceptions and RTTI
#   aarch64 armv7     ARM under qemu-user; armv7 with and armv7-neon without fused multiply-adds
#   windows           mingw-w64, everything under wine
#   bare_metal        a Cortex-A9 without operating system under qemu-system-arm
#   xsimd             everything with the newest xsimd, emulated vectors too
#   march             the headers for every -march that the compilers know
#   soak              100,000 requests on four threads: answers and memory
#   coverage          lines and branches of include/ that tests reach; tests/coverage.md explains the rest
#   mutants           mistakes made on purpose in the headers: a test must notice each
set -uo pipefail
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- clang floats fuzz header_only lint noexcept aarch64 armv7 armv7-neon windows bare_metal xsimd march soak coverage mutants
mkdir -p build/matrix

preset() { ./test.sh "$1"; }
arm() { # arm PRESET DEBIAN_ARCHITECTURE
  ./cmake/install-packages.sh arm && ./cmake/fetch-target-libraries.sh "$2" "build/libraries-$2" && preset "$1"
}
bare_metal() {
  ./cmake/install-packages.sh tests && ./cmake/install-packages.sh bare_metal && cmake --preset dev &&
    cmake --build --preset dev --target test_embedded &&
    ctest --preset dev -R '^bare_metal$' --no-tests=error
}
part() {
  case $1 in
    aarch64) arm aarch64 arm64 ;;
    armv7 | armv7-neon) arm "$1" armhf ;;
    bare_metal) bare_metal ;;
    xsimd) ./cmake/install-packages.sh tests && ./tests/xsimd_newest.sh ;;
    soak)
      ./cmake/install-packages.sh tests && cmake --preset dev && cmake --build --preset dev --target test_soak &&
        REXNET_REQUESTS=100000 ctest --preset dev -R '^soak$' -V --no-tests=error
      ;;
    floats)
      ./cmake/install-packages.sh tests && cmake --preset dev && cmake --build --preset dev --target kernel_tests &&
        REXNET_EVERY_FLOAT=1 ctest --preset dev -R '^math[.]' -V --no-tests=error
      ;;
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
    lint)
      ./cmake/install-packages.sh tests && cmake --preset dev &&
        REXNET_ANALYZER=1 ctest --preset dev -R '^lint[.]clang_tidy$' -V --no-tests=error
      ;;
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
