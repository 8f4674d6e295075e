#!/usr/bin/env bash
# Installs what the tests need (Debian 12), builds for every instruction set, and runs every test: with g++ (dev),
# with clang, with g++ under AddressSanitizer and UndefinedBehaviorSanitizer, the fuzzers for 10 seconds each, threads
# under ThreadSanitizer, and a part for Windows under wine. Usage: ./test.sh [PRESET...]    (./matrix.sh: everything else)
set -euo pipefail
cd "$(dirname "$0")"
./cmake/install-packages.sh tests
[ $# -gt 0 ] || set -- dev clang asan-ubsan fuzz tsan windows-fast
for preset in "$@"; do
  start=$SECONDS
  echo "== $preset"
  cmake --preset "$preset"
  cmake --build --preset "$preset"
  ctest --preset "$preset" -j "$(nproc)"
  echo "== $preset: $((SECONDS - start)) s"
done
