#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The reference of the headers as pages; fails on any warning. Skipped without Doxygen.
# Usage: doxygen.sh SOURCE_DIR OUT_DIR
set -euo pipefail
command -v doxygen > /dev/null || { echo "skipped: doxygen is not installed"; exit 77; }
mkdir -p "$2"
out=$(cd "$2" && pwd)
cd "$1"
{ cat docs/Doxyfile; echo "OUTPUT_DIRECTORY = \"$out\""; } | doxygen -
[ -s "$out/html/classrexnet_1_1classifier.html" ] || { echo "no page about rexnet::classifier"; exit 1; }
echo "$out/html/index.html"
