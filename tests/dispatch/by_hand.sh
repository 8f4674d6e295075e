#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the shell lines of docs/dispatch.md, with -O0 in place of -O2 to save time, and the program they build.
# Usage: by_hand.sh SOURCE_DIR COMPILER XSIMD_INCLUDE_DIR
set -euo pipefail
export REXNET=$1 CXX=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
sed -n '/^```sh$/,/^```$/p' "$REXNET/docs/dispatch.md" | sed '/^```/d' > lines.sh
[ "$(grep -c REXNET_UNIT= lines.sh)" -eq 3 ] || { echo "docs/dispatch.md has no lines for three sets"; exit 1; }
cat "$REXNET/tests/package/consumer/lib/"{recognise,app,shapes}.cpp > app.cpp
sed -i "s/-O2/-O0 -idirafter ${3//\//\\/}/" lines.sh
bash -eu lines.sh
./app "$REXNET/models/clothing_1.0x.rexnet"
REXNET_ISA=sse2 ./app "$REXNET/models/clothing_1.0x.rexnet" | grep "with sse2"
