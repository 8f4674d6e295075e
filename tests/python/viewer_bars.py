#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the viewer must show for a bundled picture, from PyTorch's answers, and whether the screen shows it.

    viewer_bars.py title EXPECTED.json PICTURE           prints the window's title
    viewer_bars.py check EXPECTED.json PICTURE DUMP.xwd  measures the five bars in the pixels of the window
    viewer_bars.py none  EXPECTED.json PICTURE DUMP.xwd  wants no bar at all
    viewer_bars.py frames EXPECTED.json PICTURE DUMP.xwd   prints how many pixels have a colour of a detector's frames
"""
import argparse
import json
import struct

ACCENT = (0x35, 0x84, 0xE4)  # theme_selected_bg_color of Adwaita, GTK's own theme
FRAMES = {(213, 94, 0), (0, 114, 178), (0, 128, 92)}  # of classes 1 to 3: colours of picture_view.cpp


def read_xwd(path):
    """Rows of (r, g, b) tuples of a 32-bit TrueColor dump, as Xvfb's default visual makes them."""
    data = open(path, "rb").read()
    header = struct.unpack(">25I", data[:100])
    size, width, height, bits, stride, colours = (header[i] for i in (0, 4, 5, 11, 12, 19))
    assert bits == 32 and header[7] == 0, "32 bits a pixel, least byte first"
    pixels = data[size + 12 * colours:]
    rows = []
    for y in range(height):
        row = pixels[y * stride:y * stride + 4 * width]
        rows.append(list(zip(row[2::4], row[1::4], row[0::4])))
    return rows


def bars(rows):
    """Share and length in pixels of each bar: accent colour, then the track's, up to the background."""
    lines = [(y, [x for x, p in enumerate(row) if p == ACCENT]) for y, row in enumerate(rows)]
    lines = [(y, xs) for y, xs in lines if xs]
    groups = []
    for y, xs in lines:
        if groups and groups[-1][-1][0] == y - 1:
            groups[-1].append((y, xs))
        else:
            groups.append([(y, xs)])
    found = []
    for group in groups:
        y, xs = group[len(group) // 2]
        track = rows[y][xs[-1] + 2]  # next to the mixed pixel at the bar's end
        end = xs[-1] + 2
        while rows[y][end] == track:
            end += 1
        found.append(((xs[-1] + 1 - xs[0]) / (end - xs[0]), end - xs[0]))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["title", "check", "none", "frames"])
    parser.add_argument("expected")
    parser.add_argument("picture")
    parser.add_argument("dump", nargs="?")
    a = parser.parse_args()
    top = json.load(open(a.expected))[a.picture]["top5"]
    if a.mode == "title":
        percent = 100 * top[0]["probability"]
        print(f"{a.picture}: {top[0]['label']} {percent:.{1 if percent < 9.95 else 0}f} %")
        return
    if a.mode == "frames":
        print(sum(p in FRAMES for row in read_xwd(a.dump) for p in row))
        return
    found = bars(read_xwd(a.dump))
    if a.mode == "none":
        raise SystemExit(f"bars where none should be: {found}" if found else 0)
    wanted = [t["probability"] for t in top]
    if len(found) != len(wanted):
        raise SystemExit(f"{a.picture}: {len(found)} bars instead of {len(wanted)}: {found}")
    for (share, length), p in zip(found, wanted):
        if length < 100 or abs(share - p) > 1.5 / length + 0.002:
            raise SystemExit(f"{a.picture}: a bar of {share:.3f} in {length} pixels, wanted {p:.3f}: {found}")


main()
