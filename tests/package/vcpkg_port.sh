#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The vcpkg port: its manifest, its steps, and a program that uses what they leave. With VCPKG_ROOT in the environment
# vcpkg's own scripts run them (its program, which fetches what a port depends on, is not needed), else a stub.
# Usage: vcpkg_port.sh SOURCE_DIR CXX
set -euo pipefail
source=$1 cxx=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
port=$source/packaging/vcpkg/rexnet
cat > "$work/manifest.cmake" <<'LINES'
file(READ "${FILE}" text)
string(JSON version GET "${text}" version-semver)
string(JSON count LENGTH "${text}" features)
math(EXPR last "${count} - 1")
foreach(i RANGE ${last})
  string(JSON name MEMBER "${text}" features ${i})
  list(APPEND features ${name})
endforeach()
message("${version} ${features}")
LINES
manifest=$(cmake -DFILE="$port/vcpkg.json" -P "$work/manifest.cmake" 2>&1) || { echo "$manifest"; exit 1; }
read -r version features <<< "$manifest"
mkdir -p "$work"/{installed,packages,downloads}
arguments=(-DCMD=BUILD -DPORT=rexnet "-DVERSION=$version" "-DALL_FEATURES=$features" -DFEATURES=core "-DCURRENT_PORT_DIR=$port"
  -DTARGET_TRIPLET=test -D_HOST_TRIPLET=test "-DTARGET_TRIPLET_FILE=$work/test.cmake" "-DPACKAGES_DIR=$work/packages"
  "-DBUILDTREES_DIR=$work/trees" "-D_VCPKG_INSTALLED_DIR=$work/installed" "-DDOWNLOADS=$work/downloads" -D_VCPKG_NO_DOWNLOADS=1
  -DVCPKG_CONCURRENCY=2 "-DCOMPILER=$cxx")
if [ -n "${VCPKG_ROOT:-}" ]; then
  cat > "$work/test.cmake" <<'LINES'
set(VCPKG_TARGET_ARCHITECTURE x64)
set(VCPKG_CRT_LINKAGE dynamic)
set(VCPKG_LIBRARY_LINKAGE static)
set(VCPKG_CMAKE_SYSTEM_NAME Linux)
set(VCPKG_FIXUP_ELF_RPATH OFF)
LINES
  # "vcpkg fetch ninja" is all that the scripts ask of the program.
  printf '#!/bin/sh\ncommand -v "$2"\n' > "$work/vcpkg"
  chmod +x "$work/vcpkg"
  export VCPKG_COMMAND=$work/vcpkg
  configs="$VCPKG_ROOT/ports/vcpkg-cmake/vcpkg-port-config.cmake;$VCPKG_ROOT/ports/vcpkg-cmake-config/vcpkg-port-config.cmake"
  cmake "${arguments[@]}" "-DVCPKG_ROOT_DIR=$VCPKG_ROOT" -DVCPKG_BASE_VERSION=2026-01-01 "-DVCPKG_PORT_CONFIGS=$configs" \
    -P "$VCPKG_ROOT/scripts/ports.cmake" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  echo "by vcpkg's own scripts"
else
  cmake "${arguments[@]}" -P "$source/tests/package/vcpkg_stub.cmake" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  echo "by a stub of vcpkg's scripts (no VCPKG_ROOT)"
fi

# What vcpkg's checks of a package look for.
prefix=$work/packages/rexnet_test
for folder in lib bin debug share/cmake share/doc; do
  [ ! -e "$prefix/$folder" ] || { echo "the port leaves $folder"; exit 1; }
done
grep -q 'MIT License' "$prefix/share/rexnet/copyright"
grep -q 'WordNet Release 3.0' "$prefix/share/rexnet/copyright"
grep -q 'find_package(rexnet CONFIG REQUIRED)' "$prefix/share/rexnet/usage"

mkdir "$work/project"
cat > "$work/project/CMakeLists.txt" <<LINES
cmake_minimum_required(VERSION 3.21)
project(tiny CXX)
find_package(rexnet CONFIG REQUIRED)
if(NOT rexnet_VERSION STREQUAL "$version" OR NOT rexnet_DIR STREQUAL "$prefix/share/rexnet" OR NOT COMMAND rexnet_add_dispatch)
  message(FATAL_ERROR "\${rexnet_VERSION} in \${rexnet_DIR}")
endif()
add_executable(tiny "$source/tests/package/tiny.cpp")
target_link_libraries(tiny PRIVATE rexnet::rexnet)
LINES
cmake -S "$work/project" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_PREFIX_PATH="$prefix" > "$work/log" 2>&1 ||
  { cat "$work/log"; exit 1; }
cmake --build "$work/build" > "$work/log" || { cat "$work/log"; exit 1; }
"$work/build/tiny" "$source/models/clothing_1.0x.rexnet" | grep -x "$(cat "$source/tests/package/tiny.txt")"
