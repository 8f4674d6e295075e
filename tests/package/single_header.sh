#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The single header is what the headers give, as large as the documents say, and serves a program of two translation units
# that sees nothing else of the library.
# Usage: single_header.sh SOURCE_DIR CXX XSIMD_INCLUDE_DIR PYTHON
set -euo pipefail
source=$1 cxx=$2 xsimd=$3 python=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
header=$source/single_include/rexnet/rexnet_single.hpp
"$python" "$source/tools/amalgamate.py" --check "$source"
kilobytes=$(($(wc -c < "$header") / 1000))
said=$(grep -oE 'rexnet_single.hpp[^|]*[0-9]+ kB' "$source/README.md" | grep -oE '[0-9]+ kB' | head -1) ||
  { echo "README.md does not say how many kB the single header has"; exit 1; }
[ $((${said% kB} * 100)) -ge $((kilobytes * 95)) ] && [ $((${said% kB} * 100)) -le $((kilobytes * 105)) ] ||
  { echo "README.md says $said of the single header, it has $kilobytes kB"; exit 1; }

mkdir "$work/rexnet"
cp "$header" "$work/rexnet"
# After the standard directories: where it is one of them, -isystem would turn their order round.
flags=(-std=c++17 -O0 -Wall -Wextra -Wconversion -Wshadow -Werror -ffp-contract=off -I"$work" -idirafter "$xsimd")
cat > "$work/shapes.cpp" <<'LINES'
#include <rexnet/rexnet_single.hpp>
int classes(const char* path) {
  const auto model = rexnet::load_packed(path).value();
  return model.net().shape().classes;
}
LINES
cat > "$work/main.cpp" <<'LINES'
#include <rexnet/rexnet_single.hpp>
#include <rexnet/rexnet_single.hpp>

#include <cstdio>

int classes(const char* path);

int main(int, char** argv) {
  const auto model = rexnet::load(argv[1]).value();
  auto classifier = rexnet::classifier::make(model).value();
  const std::vector<unsigned char> grey(40 * 30 * 3, 128);
  const auto best = classifier.classify({grey.data(), 40, 30}, 1).value()[0];
  std::printf("%s, one of %d, %s\n", model.labels()[static_cast<std::size_t>(best.index)].c_str(), classes(argv[1]),
              REXNET_VERSION_STRING);
}
LINES
for unit in shapes main; do "$cxx" "${flags[@]}" -c "$work/$unit.cpp" -o "$work/$unit.o"; done
"$cxx" "$work/shapes.o" "$work/main.o" -o "$work/app"
"$work/app" "$source/models/clothing_1.0x.rexnet" | grep 't-shirt, one of 10'

# What it does not do is said, not found out by the linker.
! "$cxx" "${flags[@]}" -DREXNET_DISPATCH -E -o /dev/null "$work/shapes.cpp" 2> "$work/log" || { echo "dispatch was taken"; exit 1; }
grep -q 'rexnet_single.hpp has one instruction set' "$work/log"
