#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Debian 12 packages for building rexnet. An argument adds those for
#   tests       ./test.sh, with the viewer and Windows (wine)
#   bench       measuring
#   windows     building and testing for Windows alone
#   arm, bare_metal, march, coverage   parts of ./matrix.sh
# Does nothing where all are installed.
set -euo pipefail
packages=(g++ cmake ninja-build libxsimd-dev libeigen3-dev libcli11-dev nlohmann-json3-dev libutf8proc-dev)
packages+=(libjpeg62-turbo-dev libpng-dev libgif-dev libwebp-dev libtiff-dev libheif-dev)  # pictures
windows=(g++-mingw-w64-x86-64-posix libz-mingw-w64-dev wine wine64 doctest-dev python3 clang)
case ${1:-} in
  tests)
    packages+=(doctest-dev zlib1g-dev python3 clang clang-tidy cppcheck libclang-rt-14-dev libomp-dev valgrind qemu-user)
    packages+=(dpkg-dev git reuse pkg-config libgtk-3-dev xvfb xdotool x11-apps fonts-dejavu-core doxygen "${windows[@]}")
    ;;
  bench) packages+=(libbenchmark-dev python3) ;;
  windows) packages+=("${windows[@]}") ;;
  arm) packages+=(doctest-dev zlib1g-dev python3 qemu-user g++-aarch64-linux-gnu g++-arm-linux-gnueabihf) ;;
  bare_metal)
    packages+=(gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib qemu-system-arm python3)
    ;;
  coverage) packages+=(doctest-dev zlib1g-dev python3 python3-venv) ;;
  march) packages+=(clang clang-16 clang-19 libomp-dev) ;;
esac
missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ]; then run=(); else run=(sudo); fi
"${run[@]}" apt-get update
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
