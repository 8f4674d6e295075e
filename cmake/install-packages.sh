#!/usr/bin/env bash
# Debian 12 packages for building rexnet; with the argument "tests" or "bench", for testing or measuring it, too; with
# "windows", for building and testing it for Windows.
# Does nothing where all are installed.
set -euo pipefail
packages=(g++ cmake ninja-build libxsimd-dev libeigen3-dev libcli11-dev nlohmann-json3-dev libturbojpeg0-dev libpng-dev)
[ "${1:-}" != tests ] || packages+=(doctest-dev zlib1g-dev python3 clang libomp-dev valgrind qemu-user)
[ "${1:-}" != bench ] || packages+=(libbenchmark-dev python3)
[ "${1:-}" != windows ] || packages+=(g++-mingw-w64-x86-64-posix libz-mingw-w64-dev wine wine64 doctest-dev python3 clang)
missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ]; then run=(); else run=(sudo); fi
"${run[@]}" apt-get update
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
