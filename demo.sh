#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what the build needs (Debian 12), builds the rexnet command, classifies the bundled pictures.
set -euo pipefail
cd "$(dirname "$0")"
./cmake/install-packages.sh
cmake --preset release
cmake --build --preset release
exec build/release/tools/rexnet classify models/clothing_1.0x.rexnet examples/pictures/*.png
