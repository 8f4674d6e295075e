#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pixels of a PNG (8-bit RGB, not interlaced) as they come from a camera: height x width x 3 bytes.

    python3 png_to_rgb.py IN.png OUT.rgb [--size WIDTH HEIGHT]
"""
import argparse
import struct
import sys
import zlib
from pathlib import Path


def paeth(left, up, corner):
    """The neighbour nearest to left + up - corner; the PNG specification, 9.4."""
    guess = left + up - corner
    return min((left, up, corner), key=lambda v: abs(guess - v))


def rgb_of(png):
    """(width, height, bytes)"""
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        sys.exit("not a PNG file")
    at, packed, header = 8, b"", None
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + length]
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        at += length + 12
    width, height = header[:2]
    if header[2:] != (8, 2, 0, 0, 0):
        sys.exit("only 8-bit RGB without interlacing")
    data, step = zlib.decompress(packed), 3 * width
    rows, above = [], bytes(step)
    for y in range(height):
        start = y * (step + 1)
        kind, row = data[start], bytearray(data[start + 1:start + 1 + step])
        for i in range(step):
            left, corner = (row[i - 3], above[i - 3]) if i >= 3 else (0, 0)
            add = (0, left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner))[kind]
            row[i] = (row[i] + add) & 255
        rows.append(bytes(row))
        above = row
    return width, height, b"".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("png", type=Path)
    parser.add_argument("rgb", type=Path)
    parser.add_argument("--size", type=int, nargs=2, help="refuse other sizes")
    options = parser.parse_args()
    width, height, pixels = rgb_of(options.png.read_bytes())
    if options.size and options.size != [width, height]:
        sys.exit(f"{options.png} has {width} x {height} pixels, not {options.size[0]} x {options.size[1]}")
    options.rgb.write_bytes(pixels)


if __name__ == "__main__":
    main()
