#!/usr/bin/env bash
# Installs what the tests need (Debian 12), builds with g++ and all instruction sets, and runs every test.
set -euo pipefail
cd "$(dirname "$0")"
./cmake/install-packages.sh
cmake --preset dev
cmake --build --preset dev
ctest --preset dev
