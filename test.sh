#!/usr/bin/env bash
# Installs what the tests need (Debian 12), builds for every instruction set, and runs every test: with g++ (dev),
# with clang, and with g++ under AddressSanitizer and UndefinedBehaviorSanitizer. Usage: ./test.sh [PRESET...]
set -euo pipefail
cd "$(dirname "$0")"
./cmake/install-packages.sh tests
[ $# -gt 0 ] || set -- dev clang asan-ubsan
for preset in "$@"; do
  echo "== $preset"
  case $preset in windows*) ./cmake/install-packages.sh windows ;; esac
  cmake --preset "$preset"
  cmake --build --preset "$preset"
  ctest --preset "$preset" -j "$(nproc)"
done
