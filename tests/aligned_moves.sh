#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Programs of MinGW's g++ must hold no aligned move of a vector wider than Win64's stack is aligned (GCC bug 54412).
# Usage: aligned_moves.sh OBJDUMP PROGRAM...
set -euo pipefail
objdump=$1
shift
for program in "$@"; do
  text=$("$objdump" -d --no-show-raw-insn "$program")
  unaligned=$(grep -cE 'vmov(up[sd]|dqu[0-9]*) .*%[yz]mm.*\(|vmov(up[sd]|dqu[0-9]*) .*\(.*%[yz]mm' <<< "$text" || true)
  aligned=$(grep -cE 'vmov(ap[sd]|dqa[0-9]*) .*%[yz]mm.*\(|vmov(ap[sd]|dqa[0-9]*) .*\(.*%[yz]mm' <<< "$text" || true)
  echo "$program: $aligned aligned and $unaligned unaligned moves of wide vectors"
  [ "$unaligned" -gt 100 ] && [ "$aligned" -eq 0 ]
done
