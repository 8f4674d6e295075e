#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# pkg-config for C++ and C, without CMake: installed under DESTDIR, and moved from there.
# Usage: pkg_config.sh SOURCE_DIR BUILD_DIR VERSION CXX [CC]. Exit code 77: no pkg-config.
set -euo pipefail
source=$1 build=$2 version=$3 cxx=$4 cc=${5:-}
command -v pkg-config > /dev/null || { echo "skipped: no pkg-config"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
model=$source/models/clothing_1.0x.rexnet
DESTDIR=$work/root cmake --install "$build" --prefix /opt/rexnet > "$work/log"
[ ! -e /opt/rexnet ] || { echo "DESTDIR was not heeded"; exit 1; }

if [ -n "$cc" ]; then
  export PKG_CONFIG_PATH=$work/root/opt/rexnet/lib/pkgconfig
  [ "$(pkg-config --modversion rexnet)" = "$version" ]
  # shellcheck disable=SC2046  # pkg-config gives words
  "$cc" -std=c99 "$source/examples/c/classify.c" -o "$work/classify" $(pkg-config --cflags --libs rexnet)
  printf 'P6 2 2 255\n%012d' 0 > "$work/grey.ppm"
  LD_LIBRARY_PATH=$(pkg-config --variable=libdir rexnet) "$work/classify" "$model" "$work/grey.ppm" | grep -c % | grep -x 5
fi

mv "$work/root/opt/rexnet" "$work/moved"
export PKG_CONFIG_PATH=$work/moved/share/pkgconfig
[ "$(pkg-config --modversion rexnet-cpp)" = "$version" ]
! pkg-config --exists 'rexnet-cpp >= 99' || { echo "version 99 is there"; exit 1; }
# shellcheck disable=SC2046
"$cxx" -std=c++17 -O0 -Wall -Wextra -Werror "$source/tests/package/tiny.cpp" -o "$work/tiny" $(pkg-config --cflags --libs rexnet-cpp)
"$work/tiny" "$model" | grep -x "$(cat "$source/tests/package/tiny.txt")"
