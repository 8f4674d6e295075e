#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what the build needs (Debian 12), builds the rexnet command, classifies the bundled pictures, and finds the
# garments in the bundled scenes.
set -euo pipefail
cd "$(dirname "$0")"
./cmake/install-packages.sh
cmake --preset release
cmake --build --preset release
build/release/tools/rexnet classify models/clothing_1.0x.rexnet examples/pictures/*.png
exec build/release/tools/rexnet detect models/garments_detector_0.3x.rexnet examples/scenes/*.png
