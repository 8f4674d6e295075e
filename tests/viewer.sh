#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/viewer on a display of its own: pictures by command line, drop and dialog, their answers read from the
# window's title and measured in its pixels; broken files, sizes, closing; a detector's boxes.
# Usage: viewer.sh VIEWER PARTNER SOURCE_DIR [WRITE_DETECTOR]
# Exit code 77, skipped, where the viewer was not built (no GTK 3) or the display's tools are missing.
set -euo pipefail
viewer=$1 partner=$2 source=$3 write_detector=${4:-none}
[ -x "$viewer" ] || { echo "skipped: the viewer is not built"; exit 77; }
for tool in Xvfb xdotool xwd python3; do
  command -v $tool > /dev/null || { echo "skipped: no $tool"; exit 77; }
done
dir=$(mktemp -d)
started=()
trap '[ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2> /dev/null || true; rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*"; [ ! -s "$dir/log" ] || tail -5 "$dir/log"; exit 1; }

# Nothing of the user's desktop: no settings, no themes, no session bus.
export HOME=$dir XDG_CONFIG_HOME=$dir XDG_DATA_HOME=$dir XDG_CACHE_HOME=$dir GSETTINGS_BACKEND=memory
export GTK_THEME=Adwaita NO_AT_BRIDGE=1 LC_ALL=C.UTF-8 GDK_BACKEND=x11 GDK_SCALE=1
unset DBUS_SESSION_BUS_ADDRESS WAYLAND_DISPLAY
mkfifo "$dir/display"
Xvfb -displayfd 3 -screen 0 1000x800x24 -nolisten tcp -noreset 3> "$dir/display" 2> "$dir/xvfb" &
started+=($!)
read -r -t 10 number < "$dir/display" || fail "Xvfb did not start: $(cat "$dir/xvfb")"
export DISPLAY=:$number

pictures=$source/examples/pictures expected=$source/examples/pictures/expected.json
bars() { python3 "$source/tests/python/viewer_bars.py" "$1" "$expected" "${@:2}"; }
title() { xdotool getwindowname "$window"; }
find_window() { # find_window OPTION...: id of a visible window, as soon as there is one
  local i found
  for ((i = 0; i < 200; ++i)); do
    found=$(xdotool search --onlyvisible "$@" 2> /dev/null | head -1) || true
    [ -z "$found" ] || { echo "$found"; return; }
    sleep 0.05
  done
  fail "no window $*" >&2
}
start() { # start ARGUMENT...: runs the viewer and waits for its window
  "$viewer" "$@" > "$dir/log" 2>&1 &
  pid=$!
  started+=($pid)
  window=$(find_window --pid $pid)
}
has_title() { # has_title TEXT SECONDS
  local i
  for ((i = 0; i < $2 * 20; ++i)); do
    [ "$(title)" != "$1" ] || return 0
    kill -0 $pid || fail "the viewer ended, expected '$1'"
    sleep 0.05
  done
  return 1
}
wait_title() { has_title "$1" 10 || fail "title '$(title)', expected '$1'"; }
shot() { sleep 0.3; xwd -silent -id "$window" -out "$dir/shot.xwd"; }
shows() { # shows PICTURE: title and bars are PyTorch's answer
  wait_title "$(bars title "$1")"
  shot
  bars check "$1" "$dir/shot.xwd" || fail "bars of $1"
}
drop() { # drop file|pixels FILE TITLE: drags FILE from another program into the window, which then has TITLE
  local pause id
  for pause in 0.05 0.3 1; do  # a busy machine takes longer to see that a drag begins
    "$partner" "$1" "$2" &
    id=$!
    started+=($id)
    find_window --pid $id > /dev/null
    xdotool mousemove 950 50 sleep $pause mousedown 1 mousemove 930 60 sleep $pause mousemove 600 150 \
      mousemove 200 200 sleep $pause mousemove 202 202 sleep $pause mouseup 1
    ! has_title "$3" 3 || return 0
    kill $id 2> /dev/null || true
  done
  fail "title '$(title)' after the drop of $2, expected '$3'"
}
close() { # close: the window manager's request; the viewer must end by itself and well
  "$partner" close "$window"
  local code=0
  timeout 10 tail --pid=$pid -s 0.05 -f /dev/null || fail "the viewer does not close"
  wait $pid || code=$?
  [ $code -eq 0 ] || fail "exit code $code"
}

start "$pictures/hat.png"
shows hat.png
drop file "$pictures/dress.png" "$(bars title dress.png)"
shows dress.png
cp "$pictures/t-shirt.png" "$dir/with space %41 ü.png"
drop file "$dir/with space %41 ü.png" "with space %41 ü.png: t-shirt 92 %"
drop pixels "$pictures/pants.png" "dropped picture: pants 90 %"

# By keyboard: the dialog, a typed path.
xdotool windowfocus --sync "$window" key ctrl+o
dialog=$(find_window --name '^Open a picture$')
xdotool windowfocus --sync "$dialog" sleep 0.5 key ctrl+l sleep 0.2 type --delay 5 "$pictures/longsleeve.png"
xdotool sleep 0.5 key Return
shows longsleeve.png

# What cannot be shown says why, and leaves no answer of another picture behind.
head -c 2000 "$pictures/hat.png" > "$dir/broken.png"
drop file "$dir/broken.png" 'broken.png: PNG: chunk "IDAT" is cut short'
shot
bars none hat.png "$dir/shot.xwd"
mkdir "$dir/folder.png"
drop file "$dir/folder.png" "folder.png: is a directory"
echo text > "$dir/text.png"
drop file "$dir/text.png" "text.png: a text, not a picture that rexnet reads"

# A narrow window; without windows managers GTK itself sees to the smallest size.
xdotool windowsize --sync "$window" 480 640
drop file "$pictures/pants.png" "$(bars title pants.png)"
shows pants.png
eval "$(xdotool getwindowgeometry --shell "$window")"
[ "$WIDTH $HEIGHT" = "480 640" ] || fail "the window is $WIDTH x $HEIGHT"
close

# Without a usable model there is no answer; with another one, dropped, the picture is classified again.
head -c 100000 "$source/models/clothing_1.0x.rexnet" > "$dir/short.rexnet"
start --model "$dir/short.rexnet" "$pictures/hat.png"
wait_title "hat.png: no model"
drop file "$source/models/clothing_1.0x.rexnet" "$(bars title hat.png)"
shows hat.png
close
if [ ! -x "$write_detector" ]; then
  echo "all as expected; no detector without the C interface's tests"
  exit
fi

# A detector: boxes of at least the slider's score, with a frame each; then a classifier's bars in their place.
frames() { shot; bars frames hat.png "$dir/shot.xwd"; }
"$write_detector" "$dir/detector.rexnet"
start --model "$dir/detector.rexnet" "$pictures/hat.png"
for ((i = 0; i < 200; ++i)); do
  [[ ! $(title) =~ ^hat.png:\ ([0-9]+)\ boxes$ ]] || break
  sleep 0.05
done
count=${BASH_REMATCH[1]:-0}
[ "$count" -ge 2 ] || fail "title '$(title)', expected some boxes"
drawn=$(frames)
[ "$drawn" -ge 200 ] || fail "$drawn pixels of frames around $count boxes"
xdotool windowfocus --sync "$window" key alt+l sleep 0.2 key End
wait_title "hat.png: no boxes"
[ "$(frames)" -lt "$((drawn / 20))" ] || fail "$(frames) pixels of frames without boxes, $drawn with $count"
xdotool key Home
wait_title "hat.png: $count boxes"
drop file "$source/models/clothing_1.0x.rexnet" "$(bars title hat.png)"
shows hat.png
close
echo "all as expected"
