#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a Windows program under wine: no display, no chatter, UTF-8 arguments. The output takes the way over files,
# because services that wine starts with the first program live on for minutes and would keep ctest's pipe open.
# Usage: wine.sh WINE HOME PROGRAM [ARG...]
set -uo pipefail
wine=$1
export WINEPREFIX=$2 WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml= LC_ALL=C.UTF-8
unset DISPLAY
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
code=0
input=/dev/null  # a pipe would be kept open, too; a file is fine
[ -f /dev/stdin ] && input=/dev/stdin
"$wine" "$@" < "$input" > "$dir/out" 2> "$dir/err" || code=$?
cat "$dir/out"
cat "$dir/err" >&2
exit "$code"
