#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What find_package(rexnet) takes and refuses: versions, components, other processors; with librexnet and without.
# Usage: find.sh SOURCE_DIR BUILD_DIR VERSION
set -euo pipefail
source=$1 build=$2 version=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
asked() { # asked PREFIX WITH_C
  rm -rf "$work/asked"
  cmake -S "$source/tests/package/find" -B "$work/asked" -G Ninja -DVERSION="$version" -DWITH_C="$2" -DCMAKE_PREFIX_PATH="$1" \
    > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  grep -E 'found:|refused:' "$work/log"
}
cmake --install "$build" --prefix "$work/prefix" > "$work/log"
with_c=OFF
[ ! -e "$work/prefix/share/cmake/rexnet/rexnetCTargets.cmake" ] || with_c=ON
asked "$work/prefix" $with_c
[ $with_c = ON ] || exit 0
cmake -S "$source" -B "$work/headers" -G Ninja -DREXNET_BUILD_TOOLS=OFF -DREXNET_BUILD_C_API=OFF -DREXNET_BUILD_TESTS=OFF \
  -DREXNET_BUILD_EXAMPLES=OFF > "$work/log"
cmake --install "$work/headers" --prefix "$work/without" > "$work/log"
asked "$work/without" OFF
