#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A project in C uses the installed library, found by CMake and by pkg-config, where it lies and where it was moved to.
# Usage: package.sh SOURCE_DIR BUILD_DIR C_COMPILER PICTURE.ppm. Without pkg-config that part is left out.
set -euo pipefail
source=$1 build=$2 compiler=$3 picture=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/first" > "$work/log"
mv "$work/first" "$work/prefix"
answers() { # answers PROGRAM: the example's, with five classes
  "$1" "$source/models/clothing_1.0x.rexnet" "$picture" > "$work/answer"
  [ "$(grep -c % "$work/answer")" -eq 5 ] && head -1 "$work/answer" | grep dress
}

mkdir "$work/project"
cp "$source/examples/c/classify.c" "$work/project"
cat > "$work/project/CMakeLists.txt" <<'LINES'
cmake_minimum_required(VERSION 3.21)
project(consumer C)
find_package(rexnet 0.1 REQUIRED COMPONENTS c)
add_executable(classify classify.c)
target_link_libraries(classify PRIVATE rexnet::c)
LINES
cmake -S "$work/project" -B "$work/build" -G Ninja -DCMAKE_C_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix" \
  > "$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/build" > "$work/log" || { cat "$work/log"; exit 1; }
answers "$work/build/classify"

# A component that is none is said to be missing.
sed -i 's/COMPONENTS c/COMPONENTS fortran/' "$work/project/CMakeLists.txt"
! cmake -S "$work/project" -B "$work/build" > "$work/log" 2>&1 || { echo "COMPONENTS fortran was found"; exit 1; }
grep -q fortran "$work/log"

command -v pkg-config > /dev/null || { echo "no pkg-config: not tested"; exit 0; }
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name rexnet.pc)")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046  # pkg-config gives words
"$compiler" -std=c99 "$source/examples/c/classify.c" -o "$work/classify" $(pkg-config --cflags --libs rexnet)
LD_LIBRARY_PATH=$(pkg-config --variable=libdir rexnet)
export LD_LIBRARY_PATH
answers "$work/classify"

# docs/c-api.md: its first program as it stands there.
sed -n '/^```c$/,/^```$/{ /^```c$/d; /^```$/q; p }' "$source/docs/c-api.md" > "$work/snippet.c"
"$compiler" -std=c99 -Wall -Wextra -Werror "$work/snippet.c" -o "$work/snippet" $(pkg-config --cflags --libs rexnet)
cp "$source/models/clothing_1.0x.rexnet" "$work/model.rexnet"
(cd "$work" && ./snippet) | grep -E '^[0-9.]+ % [a-z-]+$'
rm "$work/model.rexnet"
(cd "$work" && ! ./snippet 2>&1) | grep 'model.rexnet: cannot be opened'
