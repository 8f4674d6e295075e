#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The command under valgrind's memcheck: what it does with good and with broken files reads nothing that was not
# written, and leaves nothing allocated that is definitely lost. Usage: valgrind.sh PROGRAM SOURCE_DIR WRITE_CHECKPOINT
set -euo pipefail
rexnet=$1 source=$2 write_checkpoint=$3
command -v valgrind > /dev/null || { echo "SKIPPED: valgrind is not installed"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export REXNET_ISA=fma3_avx2  # valgrind knows no AVX-512
grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo || REXNET_ISA=sse2
model=$source/models/clothing_1.0x.rexnet pictures=$source/examples/pictures

check() { # check CODE ARGUMENT...
  local code=$1 found=0
  shift
  # OpenMP's own threads stay for the next region: only what nobody can reach counts as lost.
  valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
    --fair-sched=yes "$rexnet" "$@" > "$dir/out" 2>&1 || found=$?
  [ "$found" -eq "$code" ] && return
  echo "FAILED: exit code $found instead of $code: rexnet $*"
  tail -60 "$dir/out"
  exit 1
}

mkdir -p "$dir/set/dress" "$dir/set/hat"
cp "$pictures/dress.png" "$dir/set/dress/" && cp "$pictures/hat.png" "$dir/set/hat/"
printf 'not a picture' > "$dir/set/hat/broken.png"
"$write_checkpoint" "$dir/v1.pth" official 40 7 > /dev/null

check 0 classify "$model" "$pictures/t-shirt.png" --top 3 --threads 2 --input-size 64
check 0 classify "$model" "$pictures/dress.png" --json --cam "$dir/cam.png"
check 0 features "$model" "$pictures/hat.png" -o "$dir/features"
check 0 preprocess "$pictures/hat.png" -o "$dir/hat.png" --input-size 64
check 0 inspect "$dir/v1.pth" --json
check 0 pack "$dir/v1.pth" -o "$dir/v1.rexnet"
check 0 pack "$dir/v1.pth" -o "$dir/half.rexnet" --fp16
check 0 verify "$dir/v1.rexnet"
check 0 verify "$dir/half.rexnet"
check 1 eval "$model" "$dir/set" --csv "$dir/set.csv" --threads 2 --input-size 64
for cut in 0 4 1000; do
  head -c "$cut" "$dir/v1.pth" > "$dir/cut.pth"
  head -c "$cut" "$dir/v1.rexnet" > "$dir/cut.rexnet"
  check 1 inspect "$dir/cut.pth"
  check 1 inspect "$dir/cut.rexnet"
done
echo "16 runs of the command on $REXNET_ISA: no error of valgrind"
