#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is no ordinary file, as the command's input and output: pipes, devices, sparse files, full disks, kills. POSIX only.
# Usage: command_files.sh PROGRAM SOURCE_DIR WRITE_CHECKPOINT
set -euo pipefail
rexnet=$1 source=$2 write_checkpoint=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
model=$source/models/clothing_1.0x.rexnet hat=$source/examples/pictures/hat.png
fail() { echo "FAILED: $*"; exit 1; }
expect() { # expect CODE PATTERN COMMAND...: exit code and a pattern in the output, within 20 seconds
  local code=$1 pattern=$2 found=0
  shift 2
  timeout 20 "$@" > "$dir/out" 2>&1 || found=$?
  [ "$found" -eq "$code" ] || fail "exit code $found instead of $code: $*: $(cat "$dir/out")"
  [ -z "$pattern" ] || grep -q -- "$pattern" "$dir/out" || fail "no '$pattern' in: $*: $(cat "$dir/out")"
}

# Inputs
mkfifo "$dir/pipe"
for odd in "$dir/pipe" /dev/zero /dev/null /dev/tty; do
  [ ! -e "$odd" ] || expect 1 "$odd: \(is not a regular file\|cannot be opened\)" "$rexnet" inspect "$odd"
done
expect 1 'is not a regular file' "$rexnet" inspect --copy "$dir/pipe"
expect 1 'pipe: is not a regular file' "$rexnet" classify "$model" "$dir/pipe"
expect 1 'pipe: is not a regular file' "$rexnet" run "$model" "$dir/pipe" -o "$dir/x.npy"
expect 1 '/dev/stdin: is not a regular file' "$rexnet" inspect /dev/stdin < <(cat "$model")
expect 0 '10 classes' "$rexnet" inspect /dev/stdin < "$model"
ln -s loop "$dir/loop"
expect 1 'loop: cannot be opened' "$rexnet" inspect "$dir/loop"
: > "$dir/empty.pth"
expect 1 'is empty' "$rexnet" inspect "$dir/empty.pth"

# Sparse files of 100 GB: nothing, and the beginning of each container
"$write_checkpoint" "$dir/model.pth" official 50 10 > "$dir/out"
"$write_checkpoint" "$dir/model.safetensors" official 50 10 > "$dir/out"
printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (25000000000,), }" > "$dir/array.npy"
sparse() { # sparse BEGINNING
  cp "$1" "$dir/sparse"
  truncate -s 100G "$dir/sparse"
}
if : > "$dir/nothing" && truncate -s 100G "$dir/nothing" 2> /dev/null; then
  sparse "$dir/nothing" && expect 1 'the download reserved them and did not finish' "$rexnet" inspect "$dir/sparse"
  sparse "$dir/model.pth" && expect 1 'no zip end record' "$rexnet" inspect "$dir/sparse"
  sparse "$dir/model.safetensors" && expect 1 'bytes after the last tensor' "$rexnet" inspect "$dir/sparse"
  sparse "$model" && expect 1 '107374182400 bytes, expected' "$rexnet" inspect "$dir/sparse"
  # A header that has a use for all of it: no byte of the tensor is touched.
  header='{"w":{"dtype":"U8","shape":[107374182330],"data_offsets":[0,107374182330]}}'
  printf "\\x$(printf %x ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header" > "$dir/huge"
  truncate -s $((8 + ${#header} + 107374182330)) "$dir/huge"
  expect 1 'not a ReXNet state dict' "$rexnet" inspect "$dir/huge"
  if [ "$(awk '/MemTotal/ { print $2 }' /proc/meminfo)" -lt 90000000 ]; then
    expect 1 'no memory for 107374182400 bytes' "$rexnet" inspect --copy "$dir/sparse"
  fi
  rm "$dir/sparse" "$dir/huge" "$dir/nothing"
else
  echo "skipped: no sparse files of 100 GB here"
fi

# --copy gives the same
expect 0 'hat' "$rexnet" classify "$model" "$hat" --json && grep -v '"ms"' "$dir/out" > "$dir/mapped"
expect 0 'hat' "$rexnet" classify --copy "$model" "$hat" --json
grep -v '"ms"' "$dir/out" | cmp - "$dir/mapped" || fail "--copy answers otherwise"
expect 0 '' "$rexnet" pack --copy "$dir/model.pth" -o "$dir/copied.rexnet"
expect 0 '' "$rexnet" pack "$dir/model.pth" -o "$dir/packed.rexnet"
cmp "$dir/copied.rexnet" "$dir/packed.rexnet" || fail "pack --copy writes otherwise"
expect 0 'self-test passed' "$rexnet" verify --copy "$dir/packed.rexnet"
expect 0 'torch zip' "$rexnet" inspect --copy "$dir/model.pth"

# Outputs that are no files
expect 1 'cannot be created: it is a directory' "$rexnet" pack "$model" -o "$dir"
expect 1 'cannot be created: it is not a regular file' "$rexnet" pack "$model" -o "$dir/pipe"
expect 1 '/dev/null: cannot be created: it is not a regular file' "$rexnet" preprocess "$hat" -o /dev/null
[ -c /dev/null ] || fail "/dev/null is no device any more"
echo old > "$dir/target" && ln -s target "$dir/link"
expect 0 '' "$rexnet" pack "$model" -o "$dir/link"
[ -L "$dir/link" ] && expect 0 'checksums right' "$rexnet" verify "$dir/target"

# Full disks, of three kinds: the old file stays, no part is left
echo old > "$dir/kept.rexnet"
untouched() { # untouched FOLDER
  [ "$(cat "$1/kept.rexnet")" = old ] || fail "the old file changed"
  [ ! -e "$1/kept.rexnet.part" ] || fail "a part was left"
}
limited() { # limited KILOBYTES COMMAND...: files may be no longer
  (trap '' XFSZ && ulimit -f "$1" && shift && exec "$@")
}
for kilobytes in 0 1 4000; do
  found=0
  limited "$kilobytes" "$rexnet" pack "$model" -o "$dir/kept.rexnet" 2> "$dir/out.all" > /dev/null || found=$?
  [ "$found" -eq 1 ] || fail "exit code $found on a full disk"
  untouched "$dir"
done
mkdir "$dir/small"
# A file system of a megabyte, in a namespace of its own.
if unshare -rm mount -t tmpfs -o size=1m none "$dir/small" 2> /dev/null; then
  unshare -rm bash -c 'mount -t tmpfs -o size=1m none "$1" && echo old > "$1/kept.rexnet" || exit 9
    found=0; "$2" pack "$3" -o "$1/kept.rexnet" 2> "$4" || found=$?
    [ "$found" -eq 1 ] && [ "$(cat "$1/kept.rexnet")" = old ] && [ ! -e "$1/kept.rexnet.part" ]' \
    bash "$dir/small" "$rexnet" "$model" "$dir/out" || fail "a full tmpfs: $(cat "$dir/out")"
  grep -q 'kept.rexnet: cannot be written: ' "$dir/out" || fail "a full tmpfs says: $(cat "$dir/out")"
else
  echo "skipped: a full file system needs unshare and mount"
fi

# Killed at any time: old or new, and the next run is not hindered
"$rexnet" pack "$model" -o "$dir/new.rexnet"
for delay in 0.005 0.02 0.06 0.15; do
  echo old > "$dir/kept.rexnet"
  "$rexnet" pack "$model" -o "$dir/kept.rexnet" & pid=$!
  sleep $delay
  kill -KILL $pid 2> /dev/null || true
  wait $pid 2> /dev/null || true
  cmp -s "$dir/kept.rexnet" "$dir/new.rexnet" || [ "$(head -c 100 "$dir/kept.rexnet")" = old ] || fail "half a file after $delay s"
done
expect 0 '' "$rexnet" pack "$model" -o "$dir/kept.rexnet"
cmp "$dir/kept.rexnet" "$dir/new.rexnet" || fail "a killed run hinders the next"
[ ! -e "$dir/kept.rexnet.part" ] || fail "the part of a killed run is left"
echo "passed"
