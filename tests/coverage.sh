#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Which lines and branches of include/ the test programs reach, by gcov and gcovr: a table, build/coverage/report.html
# with every line, and build/coverage/uncovered.txt. tests/coverage.md explains what is left. Fails below the limits.
# Usage: coverage.sh [LINES_PERCENT [BRANCHES_PERCENT]]
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset coverage > /dev/null
cmake --build build/coverage --target unit_tests kernel_tests test_fuzz_parsers
find build/coverage -name '*.gcda' -delete
# Counting every float costs minutes: a sample reaches the same lines.
REXNET_SAMPLE=1 ctest --test-dir build/coverage -j "$(nproc)" --output-on-failure -L '^(unit|kernels)$'
# Debian's gcovr 5.2 gives up where two templates have one name: a newer one, from PyPI.
gcovr=build/coverage/venv/bin/gcovr
[ -x "$gcovr" ] || { python3 -m venv build/coverage/venv && build/coverage/venv/bin/pip -q install 'gcovr>=8.3'; }
# Branches of exceptions are the compiler's, not ours. Lines of a template count once, whatever it was made for.
"$gcovr" --merge-mode-functions=merge-use-line-min --merge-lines --root . --filter 'include/rexnet/' --exclude-throw-branches --exclude-unreachable-branches -j "$(nproc)" \
  --gcov-ignore-parse-errors --txt build/coverage/lines.txt --html-details build/coverage/report.html \
  --json build/coverage/report.json --print-summary build/coverage > build/coverage/summary.txt
python3 tests/python/uncovered.py build/coverage/report.json > build/coverage/uncovered.txt
cat build/coverage/lines.txt build/coverage/summary.txt
python3 - build/coverage/summary.txt "${1:-95}" "${2:-40}" <<'EOF'
import re, sys
found = dict(re.findall(r"(lines|branches): ([\d.]+)%", open(sys.argv[1]).read()))
low = [f"{what}: {found[what]} %, at least {least} % wanted" for what, least in zip(("lines", "branches"), sys.argv[2:])
       if float(found[what]) < float(least)]
sys.exit("\n".join(low) or 0)
EOF
