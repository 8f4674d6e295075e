#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# CPack's Debian packages: their fields, lintian's opinion, and programs that use what they unpack to. Nothing is installed.
# Usage: deb.sh SOURCE_DIR BUILD_DIR VERSION CXX [CC]. Exit code 77: not Debian's tools. Without lintian its part is left out.
set -euo pipefail
source=$1 build=$2 version=$3 cxx=$4 cc=${5:-}
for tool in dpkg-deb dpkg-shlibdeps; do
  command -v $tool > /dev/null || { echo "skipped: no $tool"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cpack --config "$build/CPackConfig.cmake" -B "$work/packages" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cd "$work/packages"
field() { dpkg-deb -f "$1"_"$version"-1_*.deb "$2"; }
for package in librexnet-dev librexnet0 rexnet; do
  dpkg-deb -c $package"_$version"-1_*.deb > "$work/$package.files"
  grep -q "/usr/share/doc/$package/copyright" "$work/$package.files"
  ! grep -vE ' \./(usr/((bin|include|lib|share)/.*)?)?$' "$work/$package.files" || { echo "$package: files elsewhere"; exit 1; }
  dpkg-deb -x $package"_$version"-1_*.deb "$work/root"
done
field librexnet-dev Depends | grep -F "librexnet0 (= $version-1)" | grep -F 'libxsimd-dev (>= 8.1)'
field librexnet0 Depends | grep -F 'libstdc++6'
! field librexnet0 Depends | grep -E 'libgomp|libpng' || { echo "librexnet0 needs more than the C++ runtime"; exit 1; }
field rexnet Depends | grep -F libjpeg62-turbo
dpkg-deb --ctrl-tarfile librexnet0_*.deb | tar -xO ./shlibs | grep -x "librexnet 0 librexnet0.*"
if command -v lintian > /dev/null; then
  # The project has no mail address to give.
  lintian --allow-root --fail-on none --suppress-tags malformed-contact,bogus-mail-host-in-debian-changelog ./*.deb > "$work/lintian"
  cat "$work/lintian"
  ! grep '^E:' "$work/lintian"
fi

prefix=$work/root/usr model=$source/models/clothing_1.0x.rexnet
"$prefix/bin/rexnet" inspect "$model" | grep -F '10 classes'
libraries=$(dirname "$(find "$prefix/lib" -name 'librexnet.so.0')")
if [ -n "$cc" ]; then
  export PKG_CONFIG_PATH=$libraries/pkgconfig
  # shellcheck disable=SC2046  # pkg-config gives words
  "$cc" -std=c99 "$source/examples/c/classify.c" -o "$work/classify" $(pkg-config --cflags --libs rexnet)
  printf 'P6 2 2 255\n%012d' 0 > "$work/grey.ppm"
  LD_LIBRARY_PATH=$libraries "$work/classify" "$model" "$work/grey.ppm" | grep -c % | grep -x 5
fi
mkdir "$work/project"
cat > "$work/project/CMakeLists.txt" <<LINES
cmake_minimum_required(VERSION 3.21)
project(tiny CXX)
find_package(rexnet $version EXACT REQUIRED)
add_executable(tiny "$source/tests/package/tiny.cpp")
target_link_libraries(tiny PRIVATE rexnet::rexnet)
LINES
cmake -S "$work/project" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_PREFIX_PATH="$prefix" > "$work/log"
cmake --build "$work/build" > "$work/log" || { cat "$work/log"; exit 1; }
"$work/build/tiny" "$model" | grep -x "$(cat "$source/tests/package/tiny.txt")"
