#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `rexnet coco` as people use it. Usage: coco_command.sh PROGRAM
set -euo pipefail
rexnet=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
fail() { echo "FAILED: $*"; exit 1; }
expect() { # expect CODE PATTERN COMMAND...: exit code and a pattern in the output
  local code=$1 pattern=$2 found=0
  shift 2
  "$@" > out 2> err || found=$?
  cat err >> out
  [ "$found" -eq "$code" ] || fail "exit code $found instead of $code: $*: $(cat out)"
  grep -q -- "$pattern" out || fail "no '$pattern' in: $*: $(cat out)"
}

cat > gt.json << 'END'
{"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
 "categories": [{"id": 1, "name": "cell"}, {"id": 2, "name": "line\nfeed"}],
 "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 50, 50], "area": 2500, "iscrowd": 0},
                 {"id": 2, "image_id": 2, "category_id": 1, "bbox": [10, 10, 50, 50], "area": 2500, "iscrowd": 0},
                 {"id": 3, "image_id": 9, "category_id": 1, "bbox": [10, 10, 50, 50], "area": 2500, "iscrowd": 0}]}
END
cat > found.json << 'END'
[{"image_id": 1, "category_id": 1, "bbox": [10, 10, 50, 50], "score": 0.9},
 {"image_id": 1, "category_id": 5, "bbox": [10, 10, 50, 50], "score": 0.9}]
END
expect 0 'AP50 *0.5050' "$rexnet" coco gt.json found.json
grep -q '2 pictures, 2 boxes, 2 categories; found.json: 1 detections' out || fail "no counts: $(cat out)"
grep -q 'gt.json: 1 annotations of pictures that it does not list are left out' out || fail "no note: $(cat out)"
grep -q 'found.json: 1 detections of categories that the ground truth does not list are left out' out || fail "no note: $(cat out)"
grep -q 'line\\nfeed' out || fail "a name with a line feed: $(cat out)"
expect 0 '"AP50": 0.50' "$rexnet" coco gt.json found.json --json
expect 0 '"name": "line\\nfeed"' "$rexnet" coco gt.json found.json --json
expect 0 'AP  *0.5050' "$rexnet" coco gt.json found.json --arrays arrays/new
for name in precision recall scores; do
  [ -s "arrays/new/$name.npy" ] || fail "no $name.npy"
done
size=$(wc -c < arrays/new/precision.npy)
[ "$size" -eq $((128 + 10 * 101 * 2 * 4 * 3 * 8)) ] || fail "precision.npy of $size bytes"

# Nothing is written over what is read, and a file that is wrong is named.
cp found.json recall.npy
expect 1 'recall.npy' "$rexnet" coco gt.json recall.npy --arrays .
cmp -s found.json recall.npy || fail "the detections were written over"
expect 1 'found.json: .*detections in place of ground truth' "$rexnet" coco found.json gt.json
expect 1 'none.json' "$rexnet" coco none.json found.json
: > empty.json
expect 1 'empty.json' "$rexnet" coco gt.json empty.json
expect 2 'required but received 1' "$rexnet" coco gt.json
echo "all as expected"
