#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/viewer on a display of its own: pictures by command line, drop and dialog, their answers read from the
# window's title and measured in its pixels; broken files, sizes, closing. Usage: viewer.sh VIEWER PARTNER SOURCE_DIR
# Exit code 77, skipped, where the viewer was not built (no GTK 3) or the display's tools are missing.
set -euo pipefail
viewer=$1 partner=$2 source=$3
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
Xvfb -displayfd 3 -screen 0 1000x800x24 -nolisten tcp 3> "$dir/display" 2> "$dir/xvfb" &
started+=($!)
read -r -t 10 number < "$dir/display" || fail "Xvfb did not start: $(cat "$dir/xvfb")"
export DISPLAY=:$number

pictures=$source/examples/pictures expected=$source/examples/pictures/expected.json
bars() { python3 "$source/tests/python/viewer_bars.py" "$1" "$expected" "${@:2}"; }
title() { xdotool getwindowname "$window"; }
start() { # start ARGUMENT...: runs the viewer and waits for its window
  "$viewer" "$@" > "$dir/log" 2>&1 &
  pid=$!
  started+=($pid)
  window=$(timeout 10 xdotool search --sync --onlyvisible --pid $pid | head -1)
  [ -n "$window" ] || fail "no window"
}
wait_title() { # wait_title TEXT
  local i
  for ((i = 0; i < 200; ++i)); do
    [ "$(title)" != "$1" ] || return 0
    kill -0 $pid || fail "the viewer ended, expected '$1'"
    sleep 0.05
  done
  fail "title '$(title)', expected '$1'"
}
shot() { sleep 0.3; xwd -silent -id "$window" -out "$dir/shot.xwd"; }
shows() { # shows PICTURE: title and bars are PyTorch's answer
  wait_title "$(bars title "$1")"
  shot
  bars check "$1" "$dir/shot.xwd" || fail "bars of $1"
}
drop() { # drop file|pixels FILE: drags FILE from another program into the window
  "$partner" "$1" "$2" &
  local id=$!
  started+=($id)
  timeout 10 xdotool search --sync --onlyvisible --pid $id > /dev/null || fail "no window to drag from"
  xdotool mousemove 950 50 sleep 0.1 mousedown 1 mousemove 930 60 sleep 0.1 mousemove 600 150 \
    mousemove 200 200 sleep 0.1 mousemove 202 202 sleep 0.1 mouseup 1
  wait $id
}
close() { # close: the window manager's request; the viewer must end by itself and well
  "$partner" close "$window"
  local code=0
  timeout 10 tail --pid=$pid -f /dev/null || fail "the viewer does not close"
  wait $pid || code=$?
  [ $code -eq 0 ] || fail "exit code $code"
}

start "$pictures/hat.png"
shows hat.png
drop file "$pictures/dress.png"
shows dress.png
cp "$pictures/t-shirt.png" "$dir/with space %41 ü.png"
drop file "$dir/with space %41 ü.png"
wait_title "with space %41 ü.png: t-shirt 92 %"
drop pixels "$pictures/pants.png"
wait_title "dropped picture: pants 90 %"

# By keyboard: the dialog, a typed path.
xdotool windowfocus --sync "$window" key ctrl+o
dialog=$(timeout 10 xdotool search --sync --onlyvisible --name '^Open a picture$' | head -1)
[ -n "$dialog" ] || fail "no dialog"
xdotool windowfocus --sync "$dialog" sleep 0.3 key ctrl+l sleep 0.1 type --delay 5 "$pictures/longsleeve.png"
xdotool sleep 0.3 key Return
shows longsleeve.png

# What cannot be shown says why, and leaves no answer of another picture behind.
head -c 2000 "$pictures/hat.png" > "$dir/broken.png"
drop file "$dir/broken.png"
wait_title "broken.png: PNG: the file is cut short"
shot
bars none hat.png "$dir/shot.xwd"
mkdir "$dir/folder.png"
drop file "$dir/folder.png"
wait_title "folder.png: is a directory"
echo text > "$dir/text.png"
drop file "$dir/text.png"
wait_title "text.png: not a picture"

# Another model, dropped: the picture is classified again. Without a usable one there is no answer.
xdotool windowsize --sync "$window" 480 640
drop file "$pictures/pants.png"
shows pants.png
eval "$(xdotool getwindowgeometry --shell "$window")"
[ "$WIDTH $HEIGHT" = "480 640" ] || fail "the window is $WIDTH x $HEIGHT"
close

head -c 100000 "$source/models/clothing_1.0x.rexnet" > "$dir/short.rexnet"
start --model "$dir/short.rexnet" "$pictures/hat.png"
wait_title "hat.png: no model"
drop file "$source/models/clothing_1.0x.rexnet"
shows hat.png
close
echo "all as expected"
