#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Peak resident memory of a program with a mapped model, less that of the same program without one, is at most
# weights + workspace + 1 MB. Usage: one_pass.sh ONE_PASS REXNET SOURCE_DIR
set -euo pipefail
model=$(mktemp --suffix .rexnet)
trap 'rm -f "$model"' EXIT
"$2" pack "$3/models/clothing_1.0x.rexnet" -o "$model" >/dev/null
read -r empty _ < <("$1")
read -r peak payload workspace first warm < <("$1" "$model")
echo "peak $peak kB, empty $empty kB, weights $payload kB, workspace $workspace kB; first logits $first ms, warm $warm ms"
[ "$peak" -gt "$empty" ] && [ $((peak - empty)) -le $((payload + workspace + 1024)) ]
