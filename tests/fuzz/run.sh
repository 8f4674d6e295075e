#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Replays corpus and crashers of a fuzzer, each in full, then searches from there. What it finds lies in
# FOUND/NAME, crashes in FOUND/crashes. Usage: run.sh FUZZER NAME FOUND SECONDS [LIBFUZZER_OPTION...]
set -euo pipefail
fuzzer=$1 name=$2 found=$3 seconds=${REXNET_FUZZ_SECONDS:-$4}
shift 4
here=$(dirname "$0")
shopt -s nullglob
inputs=("$here/corpus/$name"/* "$here/crashers/$name"/*)
mkdir -p "$found/$name" "$found/crashes"
# No exception for large allocations: what an input of this size may take is checked by the targets to the byte,
# these limits are for what happens within one call.
limits=(-rss_limit_mb=512 -malloc_limit_mb=8 -timeout=2)
case $name in
  npy) length=512 ;;
  preprocess | ssd | isa_agree) length=128 limits=(-rss_limit_mb=512 -malloc_limit_mb=64 -timeout=2) ;;
  load_forward) length=1024 limits=(-rss_limit_mb=512 -malloc_limit_mb=64 -timeout=2) ;;
  pictures) length=4096 limits=(-rss_limit_mb=1024 -malloc_limit_mb=64 -timeout=2) ;;
  *) length=1024 ;;
esac
export ASAN_OPTIONS=quarantine_size_mb=8:malloc_context_size=4${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export REXNET_FUZZ_TARGET=$name
export UBSAN_OPTIONS=print_stacktrace=1
artifacts=-artifact_prefix=$found/crashes/$name-
if ! "$fuzzer" "${limits[@]}" "$artifacts" "${inputs[@]}" > "$found/$name.replay" 2>&1; then
  cat "$found/$name.replay"
  exit 1
fi
echo "$name: ${#inputs[@]} inputs replayed; seed 1, $seconds s"
exec "$fuzzer" "${limits[@]}" "$artifacts" -seed=1 -max_len=$length -max_total_time="$seconds" -entropic=0 -reload=0 \
  -print_final_stats=1 "$@" "$found/$name" "$here/corpus/$name"
