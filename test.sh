#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what the tests need (Debian 12), builds for every instruction set, and runs the tests: with g++ (dev); the
# kernels with clang; all but the slowest again under AddressSanitizer and UndefinedBehaviorSanitizer; the fuzzers for
# 10 seconds each; threads under ThreadSanitizer; a part for Windows under wine.
# Left to parts of ./matrix.sh (label wide): of dev clang-tidy on the command's sources (lint), package.deb and
# package.FetchContent (packages), valgrind, bare_metal; of asan-ubsan the tests command_outputs, features, names and
# embedded, and those of SSE2's kernels (asan).
# Usage: ./test.sh [PRESET...]    (./matrix.sh: everything else)
set -euo pipefail
cd "$(dirname "$0")"
./cmake/install-packages.sh tests
[ $# -gt 0 ] || set -- dev clang-fast asan-ubsan fuzz tsan windows-fast
for preset in "$@"; do
  start=$SECONDS
  echo "== $preset"
  cmake --preset "$preset"
  cmake --build --preset "$preset"
  ctest --preset "$preset" -j "$(nproc)"
  echo "== $preset: $((SECONDS - start)) s"
done
