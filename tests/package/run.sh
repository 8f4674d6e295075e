#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A project of its own builds with rexnet found in one of CMake's ways, and its program answers.
# Usage: run.sh find_package|add_subdirectory|FetchContent SOURCE_DIR BUILD_DIR COMPILER
# FetchContent clones SOURCE_DIR's last commit; exit code 77: it is no git repository.
set -euo pipefail
way=$1 source=$2 build=$3 compiler=$4
commit=
if [ "$way" = FetchContent ]; then
  commit=$([ -e "$source/.git" ] && git -C "$source" rev-parse HEAD 2> /dev/null) || { echo "skipped: $source is no git repository"; exit 77; }
  git -C "$source" diff --quiet HEAD || echo "changes since $commit are not tested"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$source/tests/package/consumer" "$work/consumer"
[ "$way" != find_package ] || cmake --install "$build" --prefix "$work/prefix" > "$work/install.log"
# Debug: units without optimisation must work, too, and compile fastest.
cmake -S "$work/consumer" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Debug \
  -DWAY="$way" -DREXNET_SOURCE="$source" -DREXNET_COMMIT="$commit" -DCMAKE_PREFIX_PATH="$work/prefix" > "$work/configure.log" ||
  { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build" > "$work/build.log" || { tail -40 "$work/build.log"; exit 1; }
"$work/build/lib/app" "$source/models/clothing_1.0x.rexnet"
REXNET_ISA=sse2 "$work/build/lib/app" "$source/models/clothing_1.0x.rexnet" | grep "with sse2"
if [ "$way" = find_package ]; then  # what examples/README.md tells people to copy
  cmake -S "$source/examples/starter" -B "$work/starter" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH="$work/prefix" > "$work/configure.log" || { cat "$work/configure.log"; exit 1; }
  cmake --build "$work/starter" > "$work/build.log" || { tail -40 "$work/build.log"; exit 1; }
  printf 'P6 2 2 255\n%012d' 0 > "$work/grey.ppm"
  "$work/starter/starter" "$source/models/clothing_1.0x.rexnet" "$work/grey.ppm" | grep -c % | grep -x 5
fi
