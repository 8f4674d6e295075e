#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The whole test suite with the newest xsimd to be had from PyPI, where pythran's wheel brings its headers. That
# xsimd emulates vectors of any width, so AVX-512's tiles run on every CPU (tests *.emulated512).
#
#   tests/xsimd_newest.sh [BUILD_DIR [CMAKE_ARGUMENT...]]
#
# BUILD_DIR is build/xsimd-newest unless given; the preset is dev. The wheel is fetched once per BUILD_DIR. Exit code
# 0 when all tests pass; ctest's whole output is in BUILD_DIR/ctest.log.
set -euo pipefail
cd "$(dirname "$0")/.."
source=$PWD build=${1:-build/xsimd-newest}
[ $# -eq 0 ] || shift
mkdir -p "$build"
build=$(cd "$build" && pwd)
include="$build/pythran/pythran"
if [ ! -e "$include/xsimd/xsimd.hpp" ]; then
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --dest "$build/wheel" pythran
  python3 -m zipfile -e "$build"/wheel/pythran-*.whl "$build/pythran"
fi
# The headers alone: the wheel's folder has others, of the same names as Boost's.
mkdir -p "$build/newest"
ln -sfn "$include/xsimd" "$build/newest/xsimd"
version=$(sed -nE 's/.*define XSIMD_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+).*/\2/p' \
  "$build/newest/xsimd/config/xsimd_config.hpp" | paste -sd.)
echo "== xsimd $version"
cmake --preset dev -S "$source" -B "$build" -DREXNET_XSIMD_INCLUDE_DIR="$build/newest" "$@" > "$build/cmake.log"
cmake --build "$build"
status=0
ctest --test-dir "$build" -j "$(nproc)" --output-on-failure > "$build/ctest.log" 2>&1 || status=$?
sed -n '/tests passed/,$p' "$build/ctest.log"
echo "== xsimd $version: ctest's exit code is $status"
exit $status
