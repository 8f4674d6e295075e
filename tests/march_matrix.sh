#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The headers and all kernels compiled for a list of processors (-march), warnings as errors; prints a table of
# the instruction set that each one gets. Processors that do not differ in any macro that rexnet's or xsimd's
# headers ask for are compiled once per compiler; --every compiles each of them.
#
#   tests/march_matrix.sh [--every] [--xsimd INCLUDE_DIR]... [COMPILER...]
#
# COMPILERs: g++ and the clang++ that are installed, unless named. --xsimd adds columns for another xsimd than the
# one that compilers find by themselves; without it, the one that tests/xsimd_newest.sh fetched, if it did. In the
# table, "-" is a processor that the compiler does not know. Exit code 1 when one combination failed.
set -euo pipefail
cd "$(dirname "$0")/.."
marches=(x86-64 x86-64-v2 x86-64-v3 x86-64-v4
  nehalem westmere sandybridge ivybridge haswell broadwell skylake alderlake
  skylake-avx512 cascadelake icelake-client icelake-server tigerlake rocketlake sapphirerapids knl
  bonnell silvermont goldmont tremont
  btver1 btver2 bdver1 bdver2 bdver4 znver1 znver2 znver3 znver4 znver5)
every=0 compilers=() includes=("")
while [ $# -gt 0 ]; do
  case $1 in
    --every) every=1 ;;
    --xsimd) shift; includes+=("$1") ;;
    -*) sed -n '3,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) compilers+=("$1") ;;
  esac
  shift
done
if [ ${#compilers[@]} -eq 0 ]; then
  for c in g++ clang++-14 clang++-16 clang++-19; do
    if command -v "$c" > /dev/null; then compilers+=("$c"); fi
  done
fi
newest=build/xsimd-newest/newest
if [ ${#includes[@]} -eq 1 ] && [ -e "$newest/xsimd/xsimd.hpp" ]; then includes+=("$newest"); fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The macros of the compiler's own (two underscores on both sides) that the headers mention.
asked() {
  grep -rhoE '\b__[A-Za-z0-9_]+__\b' include "${1:-/usr/include}/xsimd" | sort -u
}

set_of() {  # the set that simd.hpp documents for these macros
  if grep -q '__AVX512BW__ ' "$1"; then echo avx512bw
  elif grep -q '__AVX2__ ' "$1" && grep -q '__FMA__ ' "$1"; then echo fma3_avx2
  else echo sse2; fi
}

compile() {  # compile NAME COMPILER MARCH SET [XSIMD_INCLUDE_DIR]
  local system=()
  [ -z "${5:-}" ] || system=(-isystem "$5")
  if "$2" -std=c++17 -c -O1 -march="$3" -ffp-contract=off -Wall -Wextra -Wconversion -Wshadow -Werror \
      -DEXPECTED_SET="\"$4\"" -Iinclude "${system[@]}" tests/support/march.cpp -o /dev/null 2> "$1.log"; then
    echo "$4" > "$1.result"
  else
    echo FAILED > "$1.result"
  fi
}
export -f compile

columns=0 titles=()
for c in "${compilers[@]}"; do
  for x in "${includes[@]}"; do
    config="${x:-/usr/include}/xsimd/config/xsimd_config.hpp"
    version=$(sed -nE 's/.*define XSIMD_VERSION_(MAJOR|MINOR) ([0-9]+).*/\2/p' "$config" | paste -sd.)
    titles+=("$c/$version")
    asked "$x" > "$work/asked"
    for m in "${marches[@]}"; do
      name="$work/$columns.$m"
      if ! "$c" -march="$m" -dM -E -x c++ /dev/null > "$name.macros" 2> /dev/null; then
        echo "-" > "$name.result"
        continue
      fi
      grep -wFf "$work/asked" "$name.macros" | sort > "$name.key"
      set=$(set_of "$name.key")
      same="$work/$columns.key.$(sha256sum < "$name.key" | cut -c1-16)"
      if [ $every -eq 0 ] && [ -e "$same" ]; then
        ln -s "$(cat "$same").result" "$name.result"
        continue
      fi
      echo "$name" > "$same"
      printf '%s\0' "$name" "$c" "$m" "$set" "$x" >> "$work/jobs"
    done
    columns=$((columns + 1))
  done
done
compiled=$(($(tr -dc '\0' < "$work/jobs" | wc -c) / 5))
xargs -0 -n 5 -P "$(nproc)" bash -c 'compile "$@"' _ < "$work/jobs"

printf '%-16s' ""; printf ' %-16s' "${titles[@]}"; echo
good=0 unknown=0 failed=0
for m in "${marches[@]}"; do
  printf '%-16s' "$m"
  for ((i = 0; i < columns; ++i)); do
    result=$(cat "$work/$i.$m.result")
    printf ' %-16s' "$result"
    case $result in
      FAILED) failed=$((failed + 1)) ;;
      -) unknown=$((unknown + 1)) ;;
      *) good=$((good + 1)) ;;
    esac
  done
  echo
done
for log in "$work"/*.log; do
  if [ -s "$log" ]; then echo "== ${titles[$(basename "$log" | cut -d. -f1)]} $(basename "$log" .log | cut -d. -f2)"
    grep -E 'error|warning' "$log" | head -3; fi
done
echo "$good of $((good + failed)) combinations compile ($compiled compilations), $failed failed, $unknown unknown"
[ $failed -eq 0 ]
