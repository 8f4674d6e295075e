#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The rexnet command end to end: exit codes, messages, files. Usage: command.sh PROGRAM SOURCE_DIR WRITE_CHECKPOINT
set -euo pipefail
rexnet=$1 source=$2 write_checkpoint=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
model=$source/models/clothing_1.0x.rexnet
fail() { echo "FAILED: $*"; exit 1; }
expect() { # expect CODE PATTERN COMMAND...: exit code and a pattern in the output
  local code=$1 pattern=$2 found=0
  shift 2
  "$@" > "$dir/out" 2>&1 || found=$?
  [ "$found" -eq "$code" ] || fail "exit code $found instead of $code: $*: $(cat "$dir/out")"
  [ -z "$pattern" ] || grep -q -- "$pattern" "$dir/out" || fail "no '$pattern' in: $*: $(cat "$dir/out")"
}
expect 0 't-shirt' "$rexnet" classify "$model" "$source/examples/pictures/t-shirt.png" --top 1
expect 0 '"label": "dress"' "$rexnet" classify "$model" "$source/examples/pictures/dress.png" --json --threads 2
expect 0 'ReXNet v1 1.0x, 10 classes' "$rexnet" inspect "$model"
expect 0 '"variant": "v1 1.0x"' "$rexnet" inspect "$model" --json
expect 0 'min_ms' "$rexnet" bench "$model" --json
expect 0 '"phases"' "$rexnet" bench "$model" --profile --json --svg "$dir/profile.svg" --threads 1
[ "$(grep -c '<g class="row">' "$dir/profile.svg")" -eq 18 ] || fail "--svg: not a row for each block, head and classifier"
if command -v python3 > /dev/null; then
  python3 -c 'import sys, xml.etree.ElementTree as e; e.parse(sys.argv[1])' "$dir/profile.svg" || fail "--svg: not XML"
fi
expect 2 'requires --profile' "$rexnet" bench "$model" --svg "$dir/x.svg"
expect 0 '' "$rexnet" preprocess "$source/examples/pictures/hat.png" -o "$dir/hat.png" --input-size 64
[ -s "$dir/hat.png" ] || fail "preprocess wrote nothing"
expect 0 '' "$rexnet" pack "$model" -o "$dir/full.rexnet"
expect 0 'hat' "$rexnet" classify "$dir/full.rexnet" "$source/examples/pictures/hat.png" --top 1

# pack and verify
expect 0 "the file's self-test passed" "$rexnet" verify "$model"
expect 0 'checksums right' "$rexnet" verify "$dir/full.rexnet"
cp "$dir/full.rexnet" "$dir/again.rexnet"
expect 0 '' "$rexnet" pack "$model" -o "$dir/again.rexnet"
cmp "$dir/full.rexnet" "$dir/again.rexnet" || fail "pack is not deterministic"
printf 'X' | dd of="$dir/again.rexnet" bs=1 seek=5000000 conv=notrunc status=none
expect 1 'weights checksum' "$rexnet" verify "$dir/again.rexnet"
expect 1 'weights checksum' "$rexnet" pack "$dir/again.rexnet" -o "$dir/full.rexnet"
expect 0 'checksums right' "$rexnet" verify "$dir/full.rexnet"
expect 1 'no/folder.*cannot be created' "$rexnet" pack "$model" -o "$dir/no/folder.rexnet"

# npy FILE SHAPE BYTES: a float32 array of zeros
npy() {
  local header="{'descr': '<f4', 'fortran_order': False, 'shape': ($2), }"
  { printf '\x93NUMPY\x01\x00\x76\x00'; printf '%-117s\n' "$header"; head -c "$3" /dev/zero; } > "$1"
}
npy "$dir/in.npy" '1, 3, 32, 40' $((3 * 32 * 40 * 4))
npy "$dir/nhwc.npy" '1, 32, 40, 3' $((3 * 32 * 40 * 4))
npy "$dir/zeros.npy" '1, 10' 40
expect 0 '' "$rexnet" run "$model" "$dir/in.npy" -o "$dir/out.npy" --threads 1 --layers "$dir/layers"
expect 0 '' "$rexnet" run "$model" "$dir/in.npy" -o "$dir/two.npy" --threads 2
expect 0 '' "$rexnet" run "$model" "$dir/nhwc.npy" -o "$dir/nhwc_out.npy" --layout nhwc
cmp "$dir/out.npy" "$dir/two.npy" || fail "one and two threads differ"
cmp "$dir/out.npy" "$dir/nhwc_out.npy" || fail "the layouts differ"
[ "$(ls "$dir/layers" | wc -l)" -eq 19 ] || fail "--layers wrote $(ls "$dir/layers")"
expect 0 '' "$rexnet" pack "$model" -o "$dir/tested.rexnet" --selftest "$dir/in.npy" "$dir/out.npy"
expect 0 "the file's self-test passed" "$rexnet" verify "$dir/tested.rexnet"
# packed_self_test
expect 1 'differ from the expected' "$rexnet" pack "$model" -o "$dir/tested.rexnet" --selftest "$dir/in.npy" "$dir/zeros.npy"
expect 0 "the file's self-test passed" "$rexnet" verify "$dir/tested.rexnet"
expect 1 'expected \[n,3,h,w\]' "$rexnet" run "$model" "$dir/nhwc.npy" -o "$dir/x.npy"

expect 1 'no-such-file.*cannot be opened' "$rexnet" inspect no-such-file
expect 1 'is a directory' "$rexnet" inspect "$dir"
expect 1 'a packed rexnet model, not a picture that rexnet reads' "$rexnet" classify "$model" "$model"
echo '<!DOCTYPE html>' > "$dir/page.pth"
expect 1 'web page' "$rexnet" inspect "$dir/page.pth"
head -c 5000000 "$model" > "$dir/short.rexnet"
expect 1 'cut short' "$rexnet" inspect "$dir/short.rexnet"
printf 'a\nb\n' > "$dir/labels.txt"
expect 1 '2 labels for 10 classes' "$rexnet" classify "$model" "$source/examples/pictures/hat.png" --labels "$dir/labels.txt"

# A thousand classes without names are ImageNet's
hat=$source/examples/pictures/hat.png
"$write_checkpoint" "$dir/imagenet.pth" official 50 1000
expect 0 '' "$rexnet" classify "$dir/imagenet.pth" "$hat" --input-size 64 --top 1000 --json
grep -A1 '"class": 497,' "$dir/out" | grep -q '"label": "church"' || fail "class 497 is no church"
expect 0 ' class 497' "$rexnet" classify "$dir/imagenet.pth" "$hat" --input-size 64 --top 1000 --labels none
expect 0 '' "$rexnet" pack "$dir/imagenet.pth" -o "$dir/imagenet.rexnet"
expect 0 '"toilet tissue"' "$rexnet" inspect "$dir/imagenet.rexnet" --json
expect 0 '' "$rexnet" pack "$dir/imagenet.rexnet" -o "$dir/nameless.rexnet" --labels none
expect 0 '"labels": \[\]' "$rexnet" inspect "$dir/nameless.rexnet" --json
seq 1000 | sed 's/^/number /' > "$dir/numbers.txt"
expect 0 'number 498' "$rexnet" classify "$dir/imagenet.rexnet" "$hat" --input-size 64 --top 1000 --labels "$dir/numbers.txt"
"$write_checkpoint" "$dir/few.pth" timm 50 999
expect 0 ' class 497' "$rexnet" classify "$dir/few.pth" "$hat" --input-size 64 --top 999

# The maps' numbers follow the network's number of blocks: stem, blocks, head, pooled
"$write_checkpoint" "$dir/long.rexnet" blocks 24 10
expect 0 '' "$rexnet" run "$dir/long.rexnet" "$dir/in.npy" -o "$dir/x.npy" --layers "$dir/long"
[ "$(ls "$dir/long" | wc -l)" -eq 27 ] || fail "--layers of 24 blocks wrote $(ls "$dir/long")"
for i in $(seq 2 26) 29 30; do [ -s "$dir/long/features.$i.npy" ] || fail "--layers of 24 blocks: no features.$i.npy"; done

# Features: the maps that run --layers writes, too
expect 0 '' "$rexnet" features "$model" "$dir/in.npy" -o "$dir/maps"
[ "$(ls "$dir/maps" | wc -l)" -eq 8 ] || fail "features wrote $(ls "$dir/maps")"
for pair in stride2:3 stride4:5 stride8:7 stride16:13 stride32:18 head:21; do
  cmp "$dir/maps/${pair%:*}.npy" "$dir/layers/features.${pair#*:}.npy" || fail "features differ from --layers: $pair"
done
cmp "$dir/maps/pooled.npy" "$dir/maps/features.npy" || fail "v1 has nothing between the mean and the classifier"
expect 0 '' "$rexnet" features "$model" "$dir/nhwc.npy" -o "$dir/maps_nhwc" --layout nhwc
cmp "$dir/maps/features.npy" "$dir/maps_nhwc/features.npy" || fail "the layouts' features differ"
expect 0 '' "$rexnet" features "$model" "$source/examples/pictures/hat.png" -o "$dir/maps/of/hat"
expect 1 'page.pth: an HTML page, not a picture' "$rexnet" features "$model" "$dir/page.pth" -o "$dir/maps"

# classify: directories, lists, pictures without an answer among others
shelf=$dir/shelf
mkdir -p "$shelf/B" "$dir/empty"
cp "$source/examples/pictures/hat.png" "$shelf/B/HAT.PNG"
cp "$source/examples/pictures/dress.png" "$shelf/a.png"
echo 'no picture' > "$shelf/notes.txt"
expect 0 'HAT.PNG' "$rexnet" classify "$model" "$shelf" --top 1 --embed "$dir/two.npy" --cam "$dir/cams"
[ "$(grep -c '%' "$dir/out")" -eq 2 ] || fail "not two answers: $(cat "$dir/out")"
[ "$(wc -c < "$dir/two.npy")" -eq $((128 + 2 * 1280 * 4)) ] || fail "--embed wrote $(wc -c < "$dir/two.npy") bytes"
expect 0 '400 x 400' "$rexnet" classify "$model" "$dir/cams/B/HAT.png"
expect 0 '400 x 400' "$rexnet" classify "$model" "$dir/cams/a.png"
printf '%s\r\n\n%s\n' "$shelf/a.png" "$shelf/B/HAT.PNG" > "$dir/list.txt"
expect 0 'HAT.PNG' "$rexnet" classify "$model" - --embed "$dir/listed.npy" < "$dir/list.txt"
cmp "$dir/listed.npy" "$dir/two.npy" || fail "other features from a list"
expect 1 'names no pictures' "$rexnet" classify "$model" - < /dev/null
printf '%s\0%s' "$shelf/a.png" "$shelf/B/HAT.PNG" > "$dir/list0"
expect 0 '^{.*HAT.PNG.*"label":"hat"' "$rexnet" classify "$model" - --null --jsonl < "$dir/list0"
[ "$(wc -l < "$dir/out")" -eq 2 ] || fail "not a line for each picture: $(cat "$dir/out")"
expect 1 'read with --null' "$rexnet" classify "$model" - < "$dir/list0"
expect 0 '^- (400 x 400' "$rexnet" classify "$model" - < "$hat"
expect 1 'standard input: .*nor a list of paths' "$rexnet" classify "$model" - < "$dir/in.npy"
echo 'not a picture' > "$shelf/c.jpg"
expect 1 'c.jpg: a text, not a picture' "$rexnet" classify "$model" "$shelf" "$dir/none.png" --embed "$dir/three.npy"
grep -q 'none.png: cannot be opened' "$dir/out" || fail "the missing file is not named: $(cat "$dir/out")"
grep -q '2 of 4 pictures have no answer' "$dir/out" || fail "no sum: $(cat "$dir/out")"
cmp "$dir/two.npy" "$dir/three.npy" || fail "other features beside pictures without an answer"
expect 1 '"error": ".*c.jpg: a text, not a picture' "$rexnet" classify "$model" "$shelf" --json
grep -q '"label": "hat"' "$dir/out" || fail "no answer after an error: $(cat "$dir/out")"
expect 1 'no pictures below this directory' "$rexnet" classify "$model" "$dir/empty"
expect 0 '"class": 4' "$rexnet" classify "$model" "$shelf/a.png" --json --cam "$dir/map.npy" --cam-class 4
[ "$(wc -c < "$dir/map.npy")" -eq $((128 + 4 * 4 * 4)) ] || fail "the map has $(wc -c < "$dir/map.npy") bytes"
expect 1 'must end in .png or .npy' "$rexnet" classify "$model" "$shelf/a.png" --cam "$dir/map.jpg"
expect 1 'must be a directory' "$rexnet" classify "$model" "$shelf" --cam "$dir/map.png"
expect 1 'the model has 10 classes' "$rexnet" classify "$model" "$shelf/a.png" --cam "$dir/map.png" --cam-class 10
expect 2 '' "$rexnet" classify "$model" "$shelf/a.png" --cam-class 1

# UTF-8 names and labels, whatever the system thinks of them
odd=$dir/modèle_日本
mkdir "$odd"
expect 0 '' "$rexnet" pack "$model" -o "$odd/新.rexnet"
cmp "$dir/full.rexnet" "$odd/新.rexnet" || fail "another file under a UTF-8 name"
expect 0 '' "$rexnet" preprocess "$source/examples/pictures/hat.png" -o "$odd/写真.png" --input-size 112 --crop-pct 1
printf 'Kleid\nchapeau d’été\n帽子\nd\ne\nf\ng\nh\ni\nj\n' > "$odd/étiquettes.txt"
expect 0 '帽子' "$rexnet" classify "$odd/新.rexnet" "$odd/写真.png" --labels "$odd/étiquettes.txt" --top 10
expect 0 "$odd/写真.png" "$rexnet" classify "$odd/新.rexnet" "$odd/写真.png" --labels "$odd/étiquettes.txt" --json --top 10
grep -q '"chapeau d’été"' "$dir/out" || fail "labels in JSON: $(cat "$dir/out")"
expect 0 '' "$rexnet" run "$model" "$dir/in.npy" -o "$odd/出.npy" --layers "$odd/層"
cmp "$dir/out.npy" "$odd/出.npy" || fail "other logits under a UTF-8 name"
[ "$(ls "$odd/層" | wc -l)" -eq 19 ] || fail "--layers wrote $(ls "$odd/層")"
expect 1 '没有.rexnet: cannot be opened: ' "$rexnet" inspect "$odd/没有.rexnet"

expect 2 '' "$rexnet" classify
expect 2 '' "$rexnet" no-such-command
expect 2 '' "$rexnet" bench "$model" --threads 0
echo "all as expected"
