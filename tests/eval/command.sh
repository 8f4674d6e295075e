#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `rexnet eval` end to end: data sets, broken files, output for people and programs, interruption, memory.
# Usage: command.sh PROGRAM SOURCE_DIR PICTURES [signals] [memory]
#   PICTURES  length of the long list; signals: the program is a process of this system; memory: nobody's
#             sanitizer or emulator keeps memory beside the program's own
set -euo pipefail
rexnet=$1 source=$2 pictures=$3
shift 3
dir=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill -9 "$running" 2> /dev/null || true; rm -rf "$dir"' EXIT
model=$source/models/clothing_1.0x.rexnet
small=(--input-size 48)
fail() { echo "FAILED: $*"; exit 1; }
expect() { # expect CODE PATTERN COMMAND...: exit code and a pattern in the output
  local code=$1 pattern=$2 found=0
  shift 2
  "$@" > "$dir/out" 2> "$dir/err" || found=$?
  cat "$dir/err" >> "$dir/out"
  [ "$found" -eq "$code" ] || fail "exit code $found instead of $code: $*: $(cat "$dir/out")"
  [ -z "$pattern" ] || grep -q -- "$pattern" "$dir/out" || fail "no '$pattern' in: $*: $(cat "$dir/out")"
}
says() { grep -q -- "$1" "$dir/out" || fail "no '$1' in: $(cat "$dir/out")"; }
noise() { # noise FILE WIDTH HEIGHT OFFSET: a picture of the model's bytes
  local bytes=$(($2 * $3 * 3))
  { printf 'P6\n%d %d\n255\n' "$2" "$3"; head -c $(($4 + bytes)) "$model" | tail -c $bytes; } > "$1"
}
has_lines() { # has_lines FILE N: waits until FILE has more than N lines
  local i
  for ((i = 0; i < 3000; ++i)); do
    [ ! -e "$1" ] || [ "$(wc -l < "$1")" -le "$2" ] || return 0
    sleep 0.02
  done
  fail "$1 has $(wc -l < "$1") lines after a minute, expected more than $2"
}

# A folder for each class: the bundled pictures under their names, noise, broken files, what is no picture
data=$dir/data
for name in dress hat longsleeve pants t-shirt; do
  mkdir -p "$data/$name"
  cp "$source/examples/pictures/$name.png" "$data/$name/"
done
mkdir "$data/shoes" "$data/hat/deeper"
for i in 1 2 3; do noise "$data/shoes/$i.ppm" $((20 + i)) 40 $((1000 * i)); done
odd='A, quoted.png'  # Windows has no quotes in names
[ "${1:-}" != signals ] || odd='A, "quoted".png'
cp "$data/hat/hat.png" "$data/hat/deeper/$odd"
head -c 500 "$data/hat/hat.png" > "$data/hat/short.png"
echo 'no picture' > "$data/pants/text.png"
: > "$data/pants/empty.jpg"
expect 1 '^9 pictures, and 3 broken files' "$rexnet" eval "$model" "$data" --csv "$dir/full.csv" --threads 1
says 'rexnet: 3 of 12 pictures are broken'
says 'folders by name'
says 'rexnet: broken: hat/short.png: '
says 'pants/empty.jpg: is empty'
says '^hat  *2  *100.00 %  100.00 %'
says 'most often taken for'
[ "$(wc -l < "$dir/full.csv")" -eq 13 ] || fail "rows: $(cat "$dir/full.csv")"
grep -qE '^"hat/deeper/A, ("")?quoted("")?.png",1,1,' "$dir/full.csv" || fail "quotes: $(cat "$dir/full.csv")"
grep -q '^pants/text.png,4,,,,,pants,,"a text, not a picture that rexnet reads",' "$dir/full.csv" || fail "broken: $(cat "$dir/full.csv")"
! grep -q $'\r' "$dir/err" || [ "${1:-}" != signals ] || fail "carriage returns without a terminal"
expect 1 '' "$rexnet" eval "$model" "$data/" --csv "$dir/other.csv" --threads 2 --batch 3
cmp "$dir/full.csv" "$dir/other.csv" || fail "threads and batch change the predictions"
expect 1 'exists already' "$rexnet" eval "$model" "$data" --csv "$dir/full.csv"
printf '%s 1\n' "$data/hat/short.png" "no such file" > "$dir/bad.txt"
expect 1 'every picture is broken' "$rexnet" eval "$model" "$dir/bad.txt"
says 'no such file: cannot be opened'
expect 1 'cannot be opened' "$rexnet" eval "$model" "$dir/absent"
mkdir "$data/gloves"; cp "$data/hat/hat.png" "$data/gloves/"
expect 1 '1 of 7 folders are no class of the model .*: gloves' "$rexnet" eval "$model" "$data"
expect 1 '7 folders for 10 classes' "$rexnet" eval "$model" "$data" --labels none
rm -r "$data/gloves"

# A list, and JSON
printf '%s\n' '# pictures' $'data/dress/dress.png\tdress' 'data/hat/hat.png,1' "data/hat/deeper/$odd hat" > "$dir/list.txt"
expect 0 'top-1  100.00 %  (3 of 3)' "$rexnet" eval "$model" "$dir/list.txt"
broken() { # broken COMMAND...: some pictures are, which the exit code says
  local found=0
  "$@" || found=$?
  [ "$found" -eq 1 ] || fail "exit code $found instead of 1: $*"
}
broken "$rexnet" eval "$model" "$data" --json --confusion "$dir/matrix.svg" > "$dir/report.json" 2> /dev/null
grep -q '<title>hat taken for hat: 2</title>' "$dir/matrix.svg" || fail "no matrix"
if command -v python3 > /dev/null; then
  python3 - "$dir/report.json" "$dir/full.csv" <<'PYTHON'
import csv, json, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
rows = list(csv.DictReader(open(sys.argv[2], encoding="utf-8", newline="")))
good = [r for r in rows if not r["error"]]
right = sum(r["label"] == r["predicted"] for r in good)
assert report["evaluated"] == len(good) and report["broken"] == 3 == len(report["broken_files"]), report
assert report["top1_correct"] == right and abs(report["top1"] - right / len(good)) < 1e-12, report
assert report["top5_correct"] == sum(r["label"] in r["top5"].split() for r in good), report
assert sum(n for _, _, n in report["confusion"]) == len(good), report
assert sum(n for a, b, n in report["confusion"] if a == b) == right, report
assert {r["run"] for r in rows} == {report["run"]}, report
assert all(r["probability"] == r["top5_probability"].split()[0] for r in good)
PYTHON
else
  echo "no python3: JSON was not parsed"
fi
expect 2 '.svg' "$rexnet" eval "$model" "$data" --confusion "$dir/matrix.png"
expect 2 '' "$rexnet" eval "$model" "$data" --resume
expect 2 '' "$rexnet" eval "$model" "$data" --batch 0
if [ "${1:-}" != signals ]; then echo "all as expected (without signals)"; exit 0; fi

# On a terminal a bar is drawn in place
if script --version > /dev/null 2>&1; then
  broken script -qec "'$rexnet' eval '$model' '$data' --threads 1" /dev/null > "$dir/out" < /dev/null
  grep -q $'\r100 % \[####' "$dir/out" || fail "no bar on a terminal: $(cat "$dir/out")"
fi

# A long list, stopped by SIGINT, SIGTERM and SIGKILL, gives what one run gives
for ((i = 0; i < pictures; ++i)); do
  case $((i % 50)) in
    7) echo "data/pants/text.png 4" ;;
    *) echo "data/shoes/$((i % 3 + 1)).ppm $((i % 10))" ;;
  esac
done > "$dir/long.txt"
long=(eval "$model" "$dir/long.txt" "${small[@]}")
broken "$rexnet" "${long[@]}" --threads 2 --csv "$dir/once.csv" --json > "$dir/once.json" 2> /dev/null
stop() { # stop SIGNAL ROWS: a run that goes on, and is stopped when the file has ROWS rows
  "$rexnet" "${long[@]}" --threads 2 --csv "$dir/parts.csv" --resume > "$dir/out" 2>&1 &
  running=$!
  has_lines "$dir/parts.csv" "$2"
  kill "-$1" $running
  local code=0
  { wait $running || code=$?; } 2> /dev/null  # without bash's "Killed"
  running=
  echo "$1: exit code $code, $(wc -l < "$dir/parts.csv") lines"
  stopped=$code
}
stop INT $((pictures / 10))
[ $stopped -eq 130 ] || fail "exit code $stopped after SIGINT: $(cat "$dir/out")"
says "interrupted after $(($(wc -l < "$dir/parts.csv") - 1)) of $pictures pictures"
stop KILL $((pictures * 3 / 10))
[ $stopped -eq 137 ] || fail "exit code $stopped after SIGKILL"
printf 'data/shoes/1.ppm,3,6,0.1' >> "$dir/parts.csv"  # as a write that the system did not finish
stop TERM $((pictures / 2))
[ $stopped -eq 130 ] || fail "exit code $stopped after SIGTERM"
expect 1 'another data set' "$rexnet" eval "$model" "$dir/list.txt" "${small[@]}" --csv "$dir/parts.csv" --resume
expect 1 'other settings' "$rexnet" eval "$model" "$dir/long.txt" --input-size 33 --csv "$dir/parts.csv" --resume
broken "$rexnet" "${long[@]}" --csv "$dir/parts.csv" --resume --json --threads 1 --batch 1 > "$dir/parts.json" 2> /dev/null
cmp "$dir/once.csv" "$dir/parts.csv" || fail "a run in parts differs from one in one go"
results() { sed '/"speed"/,$d' "$1"; }
cmp <(results "$dir/once.json") <(results "$dir/parts.json") || fail "their reports differ"
broken "$rexnet" "${long[@]}" --csv "$dir/parts.csv" --resume --json 2> /dev/null | results /dev/stdin | cmp - <(results "$dir/once.json") ||
  fail "a finished run's report is another"

if [ "${2:-}" = memory ]; then
  # Memory of a run that has a tenth behind it, and at its end
  "$rexnet" "${long[@]}" --csv "$dir/memory.csv" > /dev/null 2>&1 &
  running=$!
  has_lines "$dir/memory.csv" $((pictures / 10))
  early=$(awk '/VmHWM/ { print $2 }' /proc/$running/status) late=$early
  while now=$(awk '/VmHWM/ { print $2 }' /proc/$running/status 2> /dev/null) && [ -n "$now" ]; do late=$now; sleep 0.02; done
  broken wait $running
  running=
  echo "peak memory $early kB after a tenth of $pictures pictures, $late kB at the end"
  [ $((late - early)) -le 2048 ] || fail "memory grows with the pictures"
fi
echo "all as expected"
