#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Code and constants of a program, stripped, must stay below a limit. Usage: code_size.sh PROGRAM BYTES
set -euo pipefail
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$1"
total=$(size -A "$stripped" | awk '$1 == "Total" { print $2 }')
echo "$1: $total bytes of code and constants, limit $2"
[ "$total" -le "$2" ]
