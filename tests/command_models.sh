#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the command says of a model, and where it takes preprocessing and names from.
# Usage: command_models.sh PROGRAM SOURCE_DIR WRITE_CHECKPOINT
set -euo pipefail
rexnet=$1 source=$2 write_checkpoint=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
model=$source/models/clothing_1.0x.rexnet hat=$source/examples/pictures/hat.png
fail() { echo "FAILED: $*"; exit 1; }
expect() { # expect CODE PATTERN COMMAND...: exit code and a pattern in the output, within 20 seconds
  local code=$1 pattern=$2 found=0
  shift 2
  timeout 20 "$@" > "$dir/out" 2>&1 || found=$?
  [ "$found" -eq "$code" ] || fail "exit code $found instead of $code: $*: $(cat "$dir/out")"
  grep -q -- "$pattern" "$dir/out" || fail "no '$pattern' in: $*: $(cat "$dir/out")"
}
mkdir "$dir/hub"
checkpoint=$dir/hub/model.safetensors
"$write_checkpoint" "$checkpoint" timm 100 2 > "$dir/out"
config() { # config MEMBERS OF pretrained_cfg
  printf '{"architecture": "rexnet_100", "num_classes": 2, "label_names": ["caf\\u00e9", "b"], "pretrained_cfg": {%s}}' "$1" \
    > "$dir/hub/config.json"
}

# inspect: what a file holds, and where what it does not hold comes from
expect 0 '(packed, float16)' "$rexnet" inspect "$model"
expect 0 'pictures: 112 x 112, crop 0.875, bicubic, mean 0.485 0.456 0.406.*(packed file)' "$rexnet" inspect "$model"
expect 0 'self-test: 64 x 64' "$rexnet" inspect "$model"
expect 0 'pictures: 224 x 224, crop 0.875.*(defaults of v1 1.0x)' "$rexnet" inspect "$checkpoint"
expect 0 'names: none' "$rexnet" inspect "$checkpoint"
config '"crop_pct": 0.9, "test_input_size": [3, 288, 288], "test_crop_pct": 1.0, "interpolation": "bilinear"'
expect 0 'pictures: 224 x 224, crop 0.9, bilinear.*(config.json)' "$rexnet" inspect "$checkpoint"
expect 0 'measured at 288 x 288, crop 1' "$rexnet" inspect "$checkpoint"
expect 0 'pictures: 288 x 288, crop 1, bilinear.*(config.json, --input-size)' "$rexnet" inspect "$checkpoint" --input-size 288
expect 0 '"from": "config.json"' "$rexnet" inspect "$checkpoint" --json
expect 0 '"labels_from": "config.json"' "$rexnet" inspect "$checkpoint" --json
expect 0 '(defaults of v1 1.0x)' "$rexnet" inspect "$checkpoint" --config none

# The same everywhere
expect 0 'café\|b' "$rexnet" classify "$checkpoint" "$hat" --input-size 64
(cd "$dir/hub" && expect 0 '(config.json)' "$rexnet" inspect model.safetensors)
expect 0 '(config.json, --crop-pct)' "$rexnet" pack "$checkpoint" -o "$dir/m.rexnet" --crop-pct 0.8
expect 0 'pictures: 224 x 224, crop 0.8, bilinear.*(packed file)' "$rexnet" inspect "$dir/m.rexnet"
expect 0 'café' "$rexnet" inspect "$dir/m.rexnet" --json
expect 0 'pictures: 288 x 288, crop 1,' "$rexnet" pack "$checkpoint" -o "$dir/m.rexnet" --input-size 288

# Another network's, nonsense, and what must not be written over
config '"interpolation": "lanczos"'
expect 1 'config.json: interpolation "lanczos"' "$rexnet" inspect "$checkpoint"
expect 1 'config.json: interpolation "lanczos"' "$rexnet" pack "$checkpoint" -o "$dir/n.rexnet"
[ ! -e "$dir/n.rexnet" ] || fail "a refused model was packed"
expect 0 'defaults of' "$rexnet" inspect "$checkpoint" --config none
expect 1 'is the same file as config.json' "$rexnet" pack "$checkpoint" -o "$dir/hub/config.json"
"$write_checkpoint" "$dir/hub/other.pth" timm 50 2 > "$dir/out"
expect 0 'note: config.json: was not taken: it is of "rexnet_100", the tensors are of v1 0.5x' "$rexnet" inspect "$dir/hub/other.pth"
expect 1 'it is of "rexnet_100"' "$rexnet" inspect "$dir/hub/other.pth" --config "$dir/hub/config.json"

# Keys
expect 1 'a packed file holds one model' "$rexnet" inspect "$model" --key ema
expect 1 'no "ema" in the file; it has no keys: a bare state dict' "$rexnet" pack "$checkpoint" -o "$dir/n.rexnet" --key ema
echo "all right"
