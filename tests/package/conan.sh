#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `conan create` of the recipe and `conan test` of its test_package, in a Conan home of its own. What the recipe requires does not come from
# ConanCenter but from two recipes made here, which wrap the xsimd and Eigen of this machine.
# Usage: conan.sh SOURCE_DIR CXX XSIMD_INCLUDE_DIR [OPTION=VALUE...]. Exit code 77: no Conan 2 (CONAN names it).
set -euo pipefail
source=$1 cxx=$2 xsimd=$3
shift 3
conan=${CONAN:-conan}
"$conan" --version 2> /dev/null | grep -q 'version 2' || { echo "skipped: no Conan 2"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CONAN_HOME=$work/home
"$conan" remote remove conancenter > "$work/log" 2>&1
version=$("$cxx" -dumpversion)
cat > "$work/profile" <<LINES
[settings]
os=Linux
arch=$(uname -m)
compiler=gcc
compiler.version=${version%%.*}
compiler.libcxx=libstdc++11
compiler.cppstd=17
build_type=Release
[conf]
tools.build:compiler_executables={"cpp": "$cxx"}
tools.cmake.cmaketoolchain:generator=Ninja
LINES

wrap() { # wrap NAME VERSION FOLDER TARGET: a package of headers that are there already
  mkdir "$work/$1"
  cat > "$work/$1/conanfile.py" <<LINES
from conan import ConanFile
from conan.tools.files import copy


class Wrapped(ConanFile):
    name, version, package_type = "$1", "$2", "header-library"

    def package(self):
        copy(self, "*", "$3", self.package_folder + "/include/" + "$(basename "$3")")

    def package_info(self):
        self.cpp_info.set_property("cmake_target_name", "$4")
        self.cpp_info.bindirs, self.cpp_info.libdirs = [], []
LINES
  "$conan" create "$work/$1" -pr:a "$work/profile" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}
wrap xsimd 8.1.0 "$xsimd/xsimd" xsimd
[ ! -d /usr/include/eigen3/Eigen ] || wrap eigen 3.4.0 /usr/include/eigen3/Eigen Eigen3::Eigen

options=()
for option in "$@"; do options+=(-o "rexnet/*:$option"); done
"$conan" create "$source/packaging/conan" --test-folder= -pr:a "$work/profile" "${options[@]}" > "$work/log" 2>&1 ||
  { tail -60 "$work/log"; exit 1; }
cp -r "$source/packaging/conan/test_package" "$work"  # which Conan would build in the sources
reference=$("$conan" list 'rexnet/*' --format=compact 2> /dev/null | grep -oE 'rexnet/[0-9.]+' | head -1)
"$conan" test "$work/test_package" "$reference" -pr:a "$work/profile" "${options[@]}" > "$work/log" 2>&1 ||
  { tail -60 "$work/log"; exit 1; }
grep -E '^(rexnet|librexnet) [0-9.]+' "$work/log"
folder=$(find "$work/home" -path '*/p/licenses')
diff "$source/LICENSE" "$folder/LICENSE"
[ -e "$folder/LicenseRef-WordNet-3.0.txt" ]
