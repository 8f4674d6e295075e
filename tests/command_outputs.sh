#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The command destroys no input, loses no output without a word, and takes no nonsense.
# Usage: command_outputs.sh PROGRAM SOURCE_DIR WRITE_CHECKPOINT [posix]
#   posix: links, devices and closed descriptors are this system's
set -euo pipefail
rexnet=$1 source=$2 write_checkpoint=$3 posix=${4:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
model=$source/models/clothing_1.0x.rexnet
fail() { echo "FAILED: $*"; exit 1; }
expect() { # expect CODE PATTERN COMMAND...: exit code and a pattern in the output
  local code=$1 pattern=$2 found=0
  shift 2
  "$@" > "$dir.out" 2>&1 || found=$?
  [ "$found" -eq "$code" ] || fail "exit code $found instead of $code: $*: $(cat "$dir.out")"
  [ -z "$pattern" ] || grep -q -- "$pattern" "$dir.out" || fail "no '$pattern' in: $*: $(cat "$dir.out")"
}
trap 'rm -rf "$dir" "$dir".*' EXIT
npy() { # npy FILE SHAPE BYTES: a float32 array of zeros
  local header="{'descr': '<f4', 'fortran_order': False, 'shape': ($2), }"
  { printf '\x93NUMPY\x01\x00\x76\x00'; printf '%-117s\n' "$header"; head -c "$3" /dev/zero; } > "$1"
}
cd "$dir"
cp "$source/examples/pictures/hat.png" "$source/examples/pictures/dress.png" .
cp "$model" model.rexnet
"$write_checkpoint" a.pth official 50 10 > /dev/null
npy in.npy '1, 3, 32, 32' $((3 * 32 * 32 * 4))
npy logits.npy '1, 10' 40
printf '%s\n' a b c d e f g h i j > labels.txt
printf '%s 1\n' hat.png dress.png > list.txt
mkdir folder maps && cp hat.png folder/a.png && cp dress.png folder/b.png && cp in.npy maps/head.npy
snapshot() { find . -type f ! -name '*.part' -exec cksum {} + | sort -k3; find . -name '*.part' | sort; }
snapshot > "$dir.before"
clash() { # clash OUTPUT INPUT COMMAND...: refused before any work, naming both; nothing changes
  local output=$1 input=$2
  shift 2
  expect 1 "^rexnet: $output is the same file as $input" "$rexnet" "$@"
  [ "$(wc -l < "$dir.out")" -eq 1 ] || fail "more than a line: $*: $(cat "$dir.out")"
  snapshot | cmp - "$dir.before" || fail "files changed: $*"
}

# Outputs onto inputs, of every command
clash '-o a.pth' 'MODEL a.pth' pack a.pth -o a.pth
clash '-o ./a.pth' 'MODEL a.pth' pack a.pth -o ./a.pth
clash '-o folder/../a.pth' 'MODEL a.pth' pack a.pth -o folder/../a.pth
clash "-o $PWD/model.rexnet" 'MODEL model.rexnet' pack model.rexnet -o "$PWD/model.rexnet"
clash '-o model.rexnet' 'MODEL model.rexnet' pack --copy model.rexnet -o model.rexnet
clash '-o labels.txt' '--labels labels.txt' pack a.pth -o labels.txt --labels labels.txt
clash '-o in.npy' '--selftest in.npy' pack a.pth -o in.npy --selftest in.npy logits.npy
clash '-o logits.npy' '--selftest logits.npy' pack a.pth -o logits.npy --selftest in.npy logits.npy
clash '-o in.npy' 'the input in.npy' run a.pth in.npy -o in.npy
clash '-o a.pth' 'MODEL a.pth' run a.pth in.npy -o a.pth
clash '-o hat.png' 'the input hat.png' preprocess hat.png -o hat.png
clash '--embed hat.png' 'the input hat.png' classify model.rexnet dress.png hat.png --embed hat.png
clash '--embed model.rexnet' 'MODEL model.rexnet' classify model.rexnet hat.png --embed model.rexnet
clash '--cam hat.png' 'the input hat.png' classify model.rexnet hat.png --cam hat.png
clash '--embed labels.txt' '--labels labels.txt' classify model.rexnet hat.png --embed labels.txt --labels labels.txt
clash '--embed folder/b.png' 'the picture folder/b.png' classify model.rexnet folder --embed folder/b.png
clash '--csv list.txt' 'the input list.txt' eval model.rexnet list.txt --csv list.txt
clash '--csv model.rexnet' 'MODEL model.rexnet' eval model.rexnet list.txt --csv model.rexnet --resume
clash '--csv hat.png' 'the picture hat.png' eval model.rexnet list.txt --csv hat.png --resume
clash '-o maps/head.npy' 'the input maps/head.npy' features model.rexnet maps/head.npy -o maps
clash '-o maps//head.npy' 'the input maps/head.npy' features model.rexnet maps/head.npy -o maps/
# ... onto each other
clash '--cam x.npy' '--embed x.npy' classify model.rexnet hat.png --cam x.npy --embed x.npy
clash '--cam ./x.npy' '--embed x.npy' classify model.rexnet hat.png --cam ./x.npy --embed x.npy
clash '--layers maps/features.2.npy' '-o ./maps/features.2.npy' run a.pth in.npy -o ./maps/features.2.npy --layers maps
clash '--layers new/features.3.npy' '-o new/features.3.npy' run a.pth in.npy -o new/features.3.npy --layers new
clash '--cam x.npy (x.npy.part, as long as it is written)' '--embed x.npy.part' \
  classify model.rexnet hat.png --embed x.npy.part --cam x.npy
# ... by the name that an output has while it is written
cp hat.png b.part && snapshot > "$dir.before"
clash '-o b (b.part, as long as it is written)' 'the input b.part' preprocess b.part -o b
rm b.part
# ... in a folder of activation maps, where their names are made
expect 1 'a.png is the same file as the' "$rexnet" classify model.rexnet folder --cam folder
snapshot > "$dir.before"
cmp hat.png folder/a.png || fail "--cam replaced its picture"

if [ "$posix" = posix ]; then
  # ... through links and other paths
  ln -s a.pth link.pth && ln a.pth hard.pth && ln -s folder linked && ln -s nowhere dangling
  cp a.pth other.pth && ln a.pth c.rexnet.part
  snapshot > "$dir.before"
  clash '-o link.pth' 'MODEL a.pth' pack a.pth -o link.pth
  clash '-o a.pth' 'MODEL link.pth' pack link.pth -o a.pth
  clash '-o hard.pth' 'MODEL link.pth' pack link.pth -o hard.pth
  clash '-o c.rexnet (.*c.rexnet.part, as long as it is written)' 'MODEL a.pth' pack a.pth -o c.rexnet
  clash '-o linked/a.png' 'the input folder/a.png' preprocess folder/a.png -o linked/a.png
  clash '--cam linked/x.npy' '--embed folder/x.npy' classify model.rexnet hat.png --cam linked/x.npy --embed folder/x.npy
  clash '-o in.npy' 'the input /dev/stdin' run a.pth /dev/stdin -o in.npy < in.npy
  clash '--embed list.txt' 'standard input' classify model.rexnet - --embed list.txt < list.txt
  expect 1 'dangling: cannot be created: it is a symbolic link' "$rexnet" pack a.pth -o dangling
  rm c.rexnet.part
  # ... by redirection
  found=0
  "$rexnet" classify model.rexnet - < list.txt >> list.txt 2> "$dir.out" || found=$?
  [ $found -eq 1 ] || fail "exit code $found"
  grep -q 'standard output is the same file as standard input' "$dir.out" || fail "appended: $(cat "$dir.out")"
  [ "$(wc -l < list.txt)" -eq 2 ] || fail "the list has grown"
  found=0
  "$rexnet" classify model.rexnet hat.png --embed e.npy > e.npy 2> "$dir.out" || found=$?
  [ $found -eq 1 ] || fail "exit code $found"
  grep -q -- '--embed e.npy is the same file as standard output' "$dir.out" || fail "$(cat "$dir.out")"
  "$rexnet" classify model.rexnet hat.png > "$dir.log" 2>&1 || fail "one log for both streams"
  # ... where something is mounted
  if unshare -rm true 2> /dev/null; then
    echo old > mounted
    expect 1 'mounted: cannot be created: it is a mount point' unshare -rm bash -c 'mount --bind hat.png mounted && "$@"' bash \
      "$rexnet" preprocess dress.png -o mounted
    expect 1 '-o mounted is the same file as the input hat.png' unshare -rm bash -c 'mount --bind hat.png mounted && "$@"' bash \
      "$rexnet" preprocess hat.png -o mounted
    mkdir mount
    expect 1 '-o mount/a.png is the same file as the input folder/a.png' unshare -rm bash -c \
      'mount --bind folder mount && "$@"' bash "$rexnet" preprocess folder/a.png -o mount/a.png
    expect 1 '--cam mount/x.npy is the same file as --embed folder/x.npy' unshare -rm bash -c \
      'mount --bind folder mount && "$@"' bash "$rexnet" classify model.rexnet hat.png --cam mount/x.npy --embed folder/x.npy
    [ "$(cat mounted)" = old ] && [ ! -e mounted.part ] || fail "the mount point"
  else
    echo "skipped: mount points need unshare and mount"
  fi

  # Lost output of every command, as text and as JSON: a full disk, and no standard output at all
  "$rexnet" pack a.pth -o packed.rexnet
  lost() { # lost COMMAND...
    local found target
    for target in full closed; do
      found=0
      if [ $target = full ]; then "$@" > /dev/full 2> "$dir.out" || found=$?
      else "$@" >&- 2> "$dir.out" || found=$?; fi
      [ $found -eq 1 ] || fail "exit code $found, standard output $target: $*: $(cat "$dir.out")"
      grep -q '^rexnet: standard output: cannot be written: ' "$dir.out" || fail "$target: $*: $(cat "$dir.out")"
    done
  }
  if [ -c /dev/full ]; then
    quick=(--input-size 32 --threads 1)
    lost "$rexnet" --help
    lost "$rexnet" --version
    lost "$rexnet" eval --help
    lost "$rexnet" verify model.rexnet
    for json in '' --json; do
      lost "$rexnet" classify model.rexnet hat.png $json
      lost "$rexnet" classify model.rexnet hat.png dress.png --top 10 $json
      lost "$rexnet" inspect model.rexnet $json
      lost "$rexnet" inspect a.pth $json
      lost "$rexnet" eval model.rexnet list.txt $json
    done
    lost "$rexnet" bench model.rexnet "${quick[@]}"
    lost "$rexnet" bench model.rexnet --profile "${quick[@]}" --json
    # The pictures that have an answer are not the whole: the message is there as well.
    found=0
    "$rexnet" classify model.rexnet none.png hat.png > /dev/full 2> "$dir.out" || found=$?
    [ $found -eq 1 ] && grep -q 'none.png' "$dir.out" && grep -q 'cannot be written' "$dir.out" || fail "$(cat "$dir.out")"
    # Who prints nothing loses nothing, and a file does not become the closed stream
    "$rexnet" preprocess hat.png -o seen.png
    "$rexnet" preprocess hat.png -o quiet.png >&- <&- 2>&- || fail "preprocess without streams"
    cmp seen.png quiet.png || fail "another picture without streams"
    # pack says what it took: the file is whole, and the lost words are exit code 1
    "$rexnet" pack a.pth -o quiet.rexnet >&- <&- 2>&- && fail "no exit code for lost words"
    cmp packed.rexnet quiet.rexnet || fail "another file without streams"
    "$rexnet" classify model.rexnet hat.png --embed e2.npy >&- 2>&- && fail "no exit code without streams"
    [ "$(wc -c < e2.npy)" -eq $((128 + 1280 * 4)) ] || fail "text in a file: $(wc -c < e2.npy)"
    "$rexnet" classify model.rexnet none.png > /dev/null 2> /dev/full && fail "no exit code without standard error"
  else
    echo "skipped: there is no /dev/full"
  fi
  # Nobody reads any more: quiet, and the code is the one that shells show for SIGPIPE, whoever ignores that
  for how in default ignored; do
    : > "$dir.err"
    { sleep 0.3  # the reader is gone by then
      [ $how = default ] || trap '' PIPE
      code=0
      "$rexnet" classify model.rexnet hat.png --top 1 2> "$dir.err" || code=$?
      echo $code > "$dir.code"
    } 2> /dev/null | true || true
    [ "$(cat "$dir.code")" = 141 ] || fail "exit code $(cat "$dir.code"), SIGPIPE $how"
    [ ! -s "$dir.err" ] || fail "a closed pipe, SIGPIPE $how: $(cat "$dir.err")"
  done
  # Files on a full disk: every option that names one
  if unshare -rm mount -t tmpfs -o size=64k none maps 2> /dev/null; then
    full() { # full COMMAND...: writes below ./full
      mkdir -p full
      expect 1 'No space left on device' unshare -rm bash -c 'mount -t tmpfs -o size=16k none full && head -c 16384 /dev/zero > full/filler
        "$@" || exit; exit 9' bash "$rexnet" "$@"
    }
    full preprocess hat.png -o full/x.png
    full run a.pth in.npy -o full/x.npy
    full features model.rexnet hat.png -o full/maps
    full classify model.rexnet hat.png --embed full/x.npy
    full classify model.rexnet hat.png --cam full/x.png
    full eval model.rexnet list.txt --csv full/x.csv
    full eval model.rexnet list.txt --confusion full/x.svg
    full bench model.rexnet --profile --input-size 32 --svg full/x.svg
  else
    echo "skipped: a full file system needs unshare and mount"
  fi
else
  echo "skipped: links, devices and closed streams"
fi

# Numbers that make no sense: usage, in words
nonsense() { # nonsense PATTERN OPTION...
  local pattern=$1 command
  shift
  for command in 'classify model.rexnet hat.png' 'eval model.rexnet list.txt' 'features model.rexnet hat.png -o new' \
    'preprocess hat.png -o new.png' 'pack a.pth -o new.rexnet'; do
    expect 2 "$pattern" "$rexnet" $command "$@"
    ! grep -qE '[0-9]{40}' "$dir.out" || fail "a number of many digits: $(cat "$dir.out")"
  done
  [ ! -e new ] && [ ! -e new.png ] && [ ! -e new.rexnet ] || fail "something was written with $*"
}
nonsense '--mean: mean nan: must be 0 to 1' --mean nan 0 0
nonsense '--mean: mean inf: must be 0 to 1' --mean 0,0,1e300
nonsense '--mean: mean 123.675: must be 0 to 1' --mean 123.675 116.28 103.53
nonsense '--mean' --mean 0.5,0.5
nonsense '--mean: x: is not a number' --mean x 0 0
nonsense '--std: std 0: must be 1e-6' --std 0 0 0
nonsense '--std: std nan: must be 1e-6' --std nan 1 1
nonsense '--std: std -1: must be 1e-6' --std -1 1 1
nonsense '--crop-pct: crop_pct nan: must be' --crop-pct nan
nonsense '--crop-pct: crop_pct 0: must be' --crop-pct 0
nonsense '--crop-pct: crop_pct 1.1: must be' --crop-pct 1.1
nonsense '--input-size: 0: must be 1 to 16384' --input-size 0
nonsense '--input-size: 1e300: must be 1 to 16384' --input-size 1e300
nonsense '--interpolation' --interpolation cubic
expect 2 '--top: 0: must be 1 to' "$rexnet" classify model.rexnet hat.png --top 0
expect 2 '--top: 99999999999: must be' "$rexnet" classify model.rexnet hat.png --top 99999999999
expect 0 'hat' "$rexnet" classify model.rexnet hat.png --top 2147483647
expect 2 '--batch: 0: must be 1 to 1024' "$rexnet" bench model.rexnet --batch 0
expect 2 '--threads: 0: must be 1 to' "$rexnet" bench model.rexnet --threads 0
expect 2 '--threads: -3: must be 1 to' "$rexnet" run a.pth in.npy -o new.npy --threads -3
expect 2 '--input-size: nan: must be' "$rexnet" bench model.rexnet --input-size nan
expect 2 '--input-size: 16385: must be' "$rexnet" inspect model.rexnet --input-size 16385
expect 2 '--cam-class' "$rexnet" classify model.rexnet hat.png --cam new.png --cam-class -1
expect 1 'would be resized to more than' "$rexnet" classify model.rexnet hat.png --crop-pct 0.001
expect 1 'would be resized to more than' "$rexnet" pack a.pth -o new.rexnet --crop-pct 0.001
[ ! -e new.rexnet ] || fail "packed with a crop of a thousandth"

# Labels: UTF-8 with one name a line, at every command that reads them
bad_labels() { # bad_labels PATTERN: of the file bad.txt
  for command in 'classify model.rexnet hat.png' 'eval model.rexnet list.txt' 'pack a.pth -o new.rexnet'; do
    expect 1 "^rexnet: bad.txt: $1" "$rexnet" $command --labels bad.txt
    ! grep -q $'[\x1b\x07]' "$dir.out" || fail "controls in a message: $(cat -v "$dir.out")"
  done
  [ ! -e new.rexnet ] || fail "packed"
}
names() { printf '%s\n' dress hat longsleeve outwear pants shirt shoes shorts skirt; }
{ names; printf '\x1b]0;owned\x07\n'; } > bad.txt && bad_labels 'line 10 ".*x1b.*": has a control character'
{ printf 'caf\xe9\n'; names; } > bad.txt && bad_labels 'line 1 ".*xe9": is not UTF-8: save it as UTF-8'
{ printf 'a\tb\n'; names; } > bad.txt && bad_labels 'line 1 .*: has a control character'
{ printf 'a\0b\n'; names; } > bad.txt && bad_labels 'line 1 .*: has a control character'
{ names | head -4; printf '\n'; names | tail -5; } > bad.txt && bad_labels 'line 5 is blank'
if command -v iconv > /dev/null; then
  for encoding in UTF-16 UTF-16LE UTF-16BE UTF-32 UTF-32LE UTF-32BE; do
    { names; echo last; } | iconv -f UTF-8 -t $encoding > bad.txt && bad_labels "the text is ${encoding:0:6}: save it as UTF-8"
  done
else
  echo "skipped: there is no iconv"
fi
good_labels() { # good_labels: of the file good.txt
  expect 0 'Straße' "$rexnet" classify model.rexnet hat.png --labels good.txt --top 10
  expect 0 '' "$rexnet" pack a.pth -o new.rexnet --labels good.txt
  expect 0 'Straße' "$rexnet" classify new.rexnet hat.png --top 10 --input-size 32
  rm new.rexnet
}
{ printf '\xef\xbb\xbf'; names; printf 'Straße\n'; } > good.txt && good_labels
{ names; printf 'Straße\n\n\n'; } > good.txt && good_labels
{ names | sed 's/$/\r/'; printf 'Straße\r\n'; } > good.txt && good_labels
{ names | tr '\n' '\r'; printf 'Straße\r'; } > good.txt && good_labels
{ names; printf 'Straße'; } > good.txt && good_labels
{ names; printf 'hat\n'; } > twice.txt
expect 0 'twice.txt: label 10 is label 2 again: hat' "$rexnet" pack a.pth -o new.rexnet --labels twice.txt

# What others named, on its way to a terminal
[ "$posix" != posix ] || cp hat.png $'\x1b[31mred.png'
header='{"\u001b]0;owned\u0007":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
{ printf "\\x$(printf %x ${#header})\0\0\0\0\0\0\0"; printf '%s\0\0\0\0' "$header"; } > odd.safetensors
for command in $'classify model.rexnet \x1b[31mred.png' $'classify model.rexnet \x1b[31mnone.png' $'inspect \x1b[31mnone.pth' \
  'inspect odd.safetensors' 'inspect --json odd.safetensors' $'eval model.rexnet \x1b[31mnone' $'--isa \x1b[31m inspect model.rexnet' \
  $'classify model.rexnet hat.png --\x1b[31m' $'bench model.rexnet --batch \x1b[31m' $'preprocess hat.png -o none/\x1b[31m'; do
  "$rexnet" $command > "$dir.out" 2>&1 || true
  ! grep -q $'[\x1b\x07]' "$dir.out" || fail "raw controls: $command: $(cat -v "$dir.out")"
  grep -q 'x1b\|?]0;owned' "$dir.out" || fail "not named: $command: $(cat -v "$dir.out")"
done
if [ "$posix" = posix ] && command -v python3 > /dev/null; then
  cp hat.png $'\x9b\xff"\\\n.png'
  "$rexnet" classify model.rexnet --json $'\x9b\xff"\\\n.png' $'\x1b[31mred.png' > classify.json
  "$rexnet" inspect a.pth --json > inspect.json
  "$rexnet" bench model.rexnet --json --input-size 32 > bench.json
  printf '%s\n' $'\x1b[31mred.png 1' $'\xc2\x9bnone\xff.png 2' > odd.txt
  "$rexnet" eval model.rexnet odd.txt --json > eval.json 2> /dev/null && fail "no exit code for a missing picture"
  for file in classify inspect bench eval; do
    python3 -c 'import json, sys; json.load(open(sys.argv[1], encoding="utf-8"))' $file.json || fail "$file: no JSON: $(cat -v $file.json)"
    ! grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' $file.json || fail "$file: raw controls in JSON: $(cat -v $file.json)"
  done
fi
echo "all as expected"
