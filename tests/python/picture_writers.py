# SPDX-License-Identifier: MIT
"""Picture files for pillow_pictures.py: cases(format, step) gives them one by one, the same every time."""
import dataclasses
import io
import itertools
import os
import random
import shutil
import struct
import subprocess
import typing
import zlib

import numpy as np
from PIL import Image


@dataclasses.dataclass
class Case:
    format: str
    name: str
    data: bytes
    rule: str = "pillow"  # see verdict() of pillow_pictures.py
    pixels: typing.Callable = None  # gives the picture that is right, where Pillow's is not
    pillow: list = None  # Pillow's formats, where others than usual


SIZES = [(1, 1), (2, 1), (1, 3), (7, 5), (8, 8), (9, 17), (16, 16), (17, 9), (33, 31), (50, 49)]


def drawn(width, height, seed=7):
    """Slopes with noise on them, so that every kind of error shows."""
    y, x = np.mgrid[0:height, 0:width]
    slopes = np.stack([(x * 7 + y * 3) % 256, (x * 2 + y * 11 + 40) % 256, (x * y + 80) % 256], -1)
    noise = np.random.default_rng(seed + 1000 * width + height).integers(0, 60, slopes.shape)
    return Image.fromarray((slopes // 2 + noise).astype(np.uint8))


def smooth(width, height):
    """What lossy codecs agree on."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([(x * 2) % 256, (y * 2 + 60) % 256, (x + y) % 256], -1).astype(np.uint8).clip(16, 235))


def saved(picture, kind, **options):
    """The file, or None where Pillow does not write that."""
    out = io.BytesIO()
    try:
        picture.save(out, kind, **options)
    except (OSError, ValueError, KeyError, TypeError, SystemError):
        return None
    return out.getvalue()


def through(program, data, *options, ending, folder):
    """What a program makes of a file; None without the program or where it refuses."""
    if shutil.which(program) is None:
        return None
    source, target = os.path.join(folder, "in" + ending[0]), os.path.join(folder, "out" + ending[1])
    with open(source, "wb") as file:
        file.write(data)
    if os.path.exists(target):
        os.remove(target)
    command = [program, *options, source, target]
    if program == "cjpeg":
        command = [program, *options, "-outfile", target, source]
    if program == "heif-enc":
        command = [program, *options, "-o", target, source]
    subprocess.run(command, capture_output=True)
    if not os.path.exists(target) or os.path.getsize(target) == 0:
        return None
    with open(target, "rb") as file:
        return file.read()


def cut(name, case_format, data, places):
    """A file that ends early, at each of `places`."""
    for n in places:
        if 0 < n < len(data):
            yield Case(case_format, f"{name} cut after {n} of {len(data)}", data[:n], "any")


# --- Exif and XMP -----------------------------------------------------------------------------------------------

def exif(value, endian="<", kind=3, tag=0x112, count=1, before=(), magic=42):
    """A TIFF structure with one orientation, and whatever entries stand before it."""
    pack = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f"}
    entries = list(before)
    if kind in pack:
        body = struct.pack(endian + pack[kind], value) * count
        entries.append(struct.pack(endian + "HHI", tag, kind, count) + body.ljust(4, b"\0")[:4])
    else:
        entries.append(struct.pack(endian + "HHI", tag, kind, count) + struct.pack(endian + "I", 8 + 2 + 12 * (len(entries) + 1) + 4))
    data = struct.pack(endian + "H", len(entries)) + b"".join(entries) + struct.pack(endian + "I", 0)
    if kind == 12:
        data += struct.pack(endian + "d", value)
    if kind == 5:
        data += struct.pack(endian + "II", 2 * value, 2)
    if kind == 10:
        data += struct.pack(endian + "ii", -value, -1)
    if kind == 16:
        data += struct.pack(endian + "Q", value)
    head = (b"II" if endian == "<" else b"MM") + struct.pack(endian + "HI", magic, 8)
    return head + data


def xmp(value, form):
    text = {"attribute": f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="{value}"/></x:xmpmeta>',
            "element": f"<x:xmpmeta><rdf:Description><tiff:Orientation>{value}</tiff:Orientation></rdf:Description></x:xmpmeta>",
            "quote": f"<rdf:Description tiff:Orientation='{value}'/>",
            "second": f'<a tiff:Orientation="x"/><b tiff:Orientation="{value}"/>',
            "none": "<x:xmpmeta>nothing</x:xmpmeta>"}
    return text[form].encode()


def exif_variants():
    """(name, list of Exif blocks, XMP or None)."""
    for value in range(10):
        for endian in "<>":
            for kind in (3, 4):
                yield f"exif {value} {endian} type {kind}", [exif(value, endian, kind)], None
    for kind in (1, 5, 6, 8, 9, 10, 11, 12, 16, 2, 7, 13):
        for endian in "<>":
            yield f"exif type {kind} {endian}", [exif(6, endian, kind if kind not in (2, 7, 13) else 1, count=1)], None
    for value in (65536 + 6, 6 << 16, 0xffffffff):
        yield f"exif long {value}", [exif(value, ">", 4)], None
    yield "two counts", [exif(6, "<", 3, count=2)], None
    yield "two segments", [exif(6), exif(3)], None
    yield "two segments, first without", [exif(6, tag=0x100), exif(3)], None
    yield "twice the tag", [exif(6, before=[struct.pack("<HHIHH", 0x112, 3, 1, 8, 0)])], None
    yield "an unknown type first", [exif(6, before=[struct.pack("<HHII", 0x112, 99, 1, 8)])], None
    yield "an entry beyond the end first", [exif(6, before=[struct.pack("<HHII", 0x10f, 2, 10, 10**6)])], None
    yield "an entry too long first", [exif(6, before=[struct.pack("<HHII", 0x10f, 2, 10**6, 8)])], None
    yield "header twice", [b"Exif\0\0" + exif(6)], None
    yield "big-endian 42 swapped", [exif(6, ">", magic=0x2a00)], None
    yield "cut in the entry", [exif(6)[:18]], None
    yield "cut behind the entry", [exif(6)[:22]], None
    yield "empty", [b""], None
    yield "four bytes", [b"II*\0"], None  # getexif() may raise an error here; the picture is read
    yield "garbage", [b"garbage garbage"], None
    for form in ("attribute", "element", "quote", "second", "none"):
        for value in (1, 3, 6, 8, 0, 9, 66):
            yield f"xmp {form} {value}", [], xmp(value, form)
    yield "exif 1 and xmp 6", [exif(1)], xmp(6, "attribute")
    yield "exif 0 and xmp 6", [exif(0)], xmp(6, "attribute")
    yield "exif other tag and xmp 6", [exif(6, tag=0x100)], xmp(6, "element")
    yield "exif byte and xmp 6", [exif(8, kind=1)], xmp(6, "element")


# --- JPEG -------------------------------------------------------------------------------------------------------

SAMPLINGS = ["1x1", "2x1", "2x2", "1x2", "4x1", "1x4", "4x2", "2x4", "3x1", "1x3", "4x4", "3x2", "2x3", "3x3", "1x1,2x2,1x1",
             "2x2,2x1,2x1", "2x2,2x1,1x2", "2x1,1x1,2x1", "2x2,1x1,2x2", "2x1,2x1,1x1", "1x2,1x1,1x2", "4x1,2x1,1x1",
             "3x1,1x1,3x1", "1x1,1x2,2x1", "3x2,1x2,1x1", "2x1,1x2,1x1"]


def segments(data):
    at, found = 2, []
    while data[at + 1] != 0xda:
        end = at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        found.append((data[at + 1], data[at:end]))
        at = end
    return found, data[at:]


def joined(parts, rest):
    return b"\xff\xd8" + b"".join(part for _, part in parts) + rest


def segment(marker, payload):
    return marker, b"\xff" + bytes([marker]) + struct.pack(">H", len(payload) + 2) + payload


def jpeg_cases(folder):
    for width, height in SIZES:
        picture = drawn(width, height)
        ppm = saved(picture, "PPM")
        for sampling in SAMPLINGS:
            for extra in ([], ["-progressive"], ["-arithmetic"], ["-optimize", "-restart", "1"]):
                yield "cjpeg " + sampling + " " + " ".join(extra), through(
                    "cjpeg", ppm, "-sample", sampling, "-quality", "85", *extra, ending=(".ppm", ".jpg"), folder=folder)
        for extra in (["-grayscale"], ["-rgb"], ["-rgb", "-progressive"], ["-grayscale", "-progressive"],
                      ["-arithmetic", "-progressive"], ["-baseline", "-quality", "3"], ["-restart", "1B"], ["-dct", "float"]):
            yield "cjpeg " + " ".join(extra), through("cjpeg", ppm, *extra, ending=(".ppm", ".jpg"), folder=folder)
        for mode, sampling, progressive, quality in itertools.product(
                ("RGB", "L", "CMYK", "YCbCr", "1"), (0, 1, 2, "4:1:1"), (False, True), (1, 30, 75, 90, 100)):
            yield f"{mode} {sampling} {progressive} {quality}", saved(
                picture.convert(mode), "JPEG", quality=quality, progressive=progressive, subsampling=sampling)
        yield "RGB kept", saved(picture, "JPEG", keep_rgb=True)
        yield "restart blocks", saved(picture, "JPEG", restart_marker_blocks=1)
        yield "restart rows", saved(picture, "JPEG", restart_marker_rows=1)
        yield "MPO", saved(picture, "MPO", save_all=True, append_images=[drawn(20, 50)])
        for mode in ("RGB", "CMYK", "L"):
            yield from jpeg_patches(mode, saved(picture.convert(mode), "JPEG", quality=90, subsampling=0))


def jpeg_patches(mode, whole):
    """Markers that Pillow or its libjpeg look at."""
    parts, rest = segments(whole)
    plain = [part for part in parts if part[0] not in (0xee, 0xe0)]
    for version, transform in itertools.product((None, 1, 2), (None, 0, 1, 2, 3)):
        now = list(plain)
        if transform is not None:
            now.insert(0, segment(0xee, b"Adobe\0\x64\0\0\0\0" + bytes([transform])))
        if version is not None:
            now.insert(0, segment(0xe0, b"JFIF\0" + bytes([version]) + b"\1\0\0\1\0\1\0\0"))
        yield f"{mode} JFIF {version} Adobe {transform}", joined(now, rest)
    for padding in (b"\xff\xff\xff", b"\0\1junk", b"\xff\0"):
        yield f"{mode} padding {padding}", joined([(m, padding + p if m == 0xdb else p) for m, p in parts], rest)
    yield f"{mode} bytes behind", whole + b"garbage" * 5
    for frame, bits in ((0xc0, 12), (0xc5, 8), (0xc7, 8), (0xcb, 8), (0xc1, 8), (0xc9, 8), (0xc2, 8)):
        yield f"{mode} SOF{frame - 0xc0} {bits} bits", joined(
            [(m, b"\xff" + bytes([frame]) + p[2:4] + bytes([bits]) + p[5:]) if m == 0xc0 else (m, p) for m, p in parts], rest)


def jpeg_notes():
    parts, rest = segments(saved(drawn(9, 6), "JPEG", quality=95))
    for name, blocks, note in exif_variants():
        now = [segment(0xe1, b"Exif\0\0" + block) for block in blocks]
        if note is not None:
            now.append(segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0" + note))
        yield name, joined(now + parts, rest)
    yield "two XMP", joined([segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(v, "attribute")) for v in (6, 3)] + parts, rest)


# --- PNG --------------------------------------------------------------------------------------------------------

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, data, wrong=0):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ wrong)


def chunks(data):
    at, found = 8, []
    while at < len(data):
        size = struct.unpack(">I", data[at:at + 4])[0]
        found.append((data[at + 4:at + 8], data[at + 8:at + 8 + size]))
        at += 12 + size
    return found


def png(parts, **wrong):
    return SIGNATURE + b"".join(chunk(kind, data, wrong.get(kind.decode("latin-1"), 0)) for kind, data in parts)


def raw_png(width, height, bits, colours, interlace=0, palette=None, extra=()):
    """Random samples, filter 0 and others; interlaced pictures have their seven passes."""
    rng = random.Random(width * 31 + height * 7 + bits + colours)
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    passes = [(width, height)] if not interlace else [
        ((width - x + dx - 1) // dx, (height - y + dy - 1) // dy)
        for x, y, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))]
    rows = b"".join(bytes([rng.randrange(5)]) + bytes(rng.randrange(256) for _ in range((w * samples * bits + 7) // 8))
                    for w, h in passes if w > 0 for _ in range(h))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, interlace))]
    if palette is not None:
        parts.append((b"PLTE", palette))
    stream = zlib.compress(rows)
    middle = len(stream) // 2
    return png(parts + list(extra) + [(b"IDAT", stream[:middle]), (b"IDAT", stream[middle:]), (b"IEND", b"")])


def png_cases():
    kinds = [(b, 0) for b in (1, 2, 4, 8, 16)] + [(b, 3) for b in (1, 2, 4, 8)] + [(b, c) for b in (8, 16) for c in (2, 4, 6)]
    for (width, height), (bits, colours), interlace in itertools.product(SIZES, kinds, (0, 1)):
        palettes = [None] if colours != 3 else [bytes(random.Random(n).randrange(256) for _ in range(3 * n))
                                                for n in {1 << bits, max(1, (1 << bits) - 1), 1}]
        for palette in palettes:
            transparency = {0: b"\0\1", 2: b"\0\1\0\2\0\3", 3: b"\0\x80"}.get(colours)
            for extra in [[]] + ([[(b"tRNS", transparency)]] if transparency and not (palette and len(palette) < 6) else []):
                name = f"{width}x{height} {bits} bits colours {colours} interlace {interlace} {len(palette or b'') // 3} {extra}"
                yield name, raw_png(width, height, bits, colours, interlace, palette, extra), (bits, colours) == (16, 0)
    for mode, size in itertools.product(("1", "L", "LA", "I;16", "P", "PA", "RGB", "RGBA", "I"), SIZES):
        picture = drawn(*size).convert("L").convert(mode) if mode.startswith("I") else drawn(*size).convert(mode)
        yield f"Pillow {mode} {size}", saved(picture, "PNG"), mode.startswith("I")
    frames = [drawn(20, 10, seed) for seed in (1, 2, 3)]
    yield "APNG", saved(frames[0], "PNG", save_all=True, append_images=frames[1:]), False
    yield "APNG with a default picture", saved(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True), False


def png_damage():
    """Parts left out, out of order, with wrong checksums. Rules: see essential_png()."""
    whole = saved(drawn(20, 10), "PNG", pnginfo=None)
    parts = chunks(whole)
    for at in range(1, len(whole)):
        # In the last bytes of the data all pixels are there, and Pillow may have seen enough.
        yield f"cut after {at}", whole[:at], "any" if at < len(whole) - 16 else "pillow"
    text = (b"tEXt", b"Comment\0hello")
    header, data = parts[0], [p for p in parts if p[0] == b"IDAT"]
    end = (b"IEND", b"")
    for name, now in (("no end", [header, *data]), ("text behind", [header, *data, text, end]),
                      ("text behind, no end", [header, *data, text]), ("data twice", [header, *data, *data, end]),
                      ("data apart", [header, data[0], text, *data, end]), ("unknown critical", [header, (b"ABCD", b"xy"), *data, end]),
                      ("unknown behind", [header, *data, (b"ABCD", b"xy"), end]), ("strange name", [header, (b"AB_9", b""), *data, end]),
                      ("empty data first", [header, (b"IDAT", b""), *data, end]), ("no data", [header, end]),
                      ("end first", [header, end, *data])):
        yield name, png(now), "pillow"
    yield "a bad name", png([header, (b"A D!", b""), *data, end]), "pillow"
    yield "a bad name behind", png([header, *data, (b"A D!", b""), end]), "pillow"
    yield "garbage behind", png([header, *data]) + b"garbage garbage", "pillow"
    yield "zeros behind", png([header, *data]) + bytes(64), "pillow"
    behind = png([header, *data, text])
    for n in range(1, 25):
        yield f"text behind cut by {n}", behind[:-n], "pillow"
    for kind in ("IHDR", "tEXt", "IEND"):
        yield f"checksum of {kind}", png([header, text, *data, end], **{kind: 1}), "pillow"
        yield f"checksum of {kind} behind", png([header, *data, text, end], **{kind: 1}), "pillow"
    yield "checksum of IDAT", png([header, *data, end], IDAT=1), "refused"
    yield "no palette", raw_png(5, 4, 8, 3), "refused"


def png_notes():
    parts = chunks(saved(drawn(9, 6), "PNG"))
    itxt = lambda key, value, packed=0: (b"iTXt", key + bytes([0, packed, 0]) + b"\0\0" + (zlib.compress(value) if packed else value))
    for name, blocks, note in exif_variants():
        extra = [(b"eXIf", block) for block in blocks]
        if note is not None:
            extra.append(itxt(b"XML:com.adobe.xmp", note))
        for where in (1, len(parts) - 1):
            yield f"{name} at {where}", png(parts[:where] + extra + parts[where:]), (
                "reads more" if name in ("four bytes", "garbage") else "pillow")
    for value in (3, 6, 8):
        block = b"Exif\0\0" + exif(value)
        raw = f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()
        for kind, data in ((b"tEXt", b"Raw profile type exif\0" + raw), (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)),
                           itxt(b"Raw profile type exif", raw), itxt(b"Raw profile type exif", raw, 1),
                           itxt(b"XML:com.adobe.xmp", xmp(value, "element"), 1)):
            yield f"raw profile {kind} {value}", png(parts[:1] + [(kind, data)] + parts[1:]), "pillow"


# --- GIF --------------------------------------------------------------------------------------------------------

def lzw(samples, bits):
    """Codes of which none refers to another: a clear code before the width would grow."""
    clear, out, held, count = 1 << bits, bytearray(), 0, 0
    codes, since = [clear], 0
    for s in samples:
        if since == (1 << bits) - 2:
            codes.append(clear)
            since = 0
        codes.append(s)
        since += 1
    codes.append(clear + 1)
    for code in codes:
        held |= code << count
        count += bits + 1
        while count >= 8:
            out.append(held & 255)
            held >>= 8
            count -= 8
    if count:
        out.append(held & 255)
    return bytes(out)


def blocks(data, size=255):
    return b"".join(bytes([len(data[i:i + size])]) + data[i:i + size] for i in range(0, len(data), size)) + b"\0"


def gif(screen, frame, bits=3, palette=None, local=None, interlace=False, control=(), version=b"GIF89a", background=0, trailer=b";",
        samples=None, block=255):
    rng = random.Random(hash((screen, frame, bits)) & 0xffff)
    flag = lambda p: 0 if p is None else 0x80 | (len(p) // 3).bit_length() - 2
    x, y, w, h = frame
    samples = samples or [rng.randrange(1 << bits) for _ in range(w * h)]
    out = version + struct.pack("<HHBBB", *screen, flag(palette), background, 0) + (palette or b"")
    for one in control:
        out += b"!\xf9\4" + struct.pack("<BHB", *one) + b"\0"
    out += b"," + struct.pack("<HHHHB", x, y, w, h, flag(local) | (64 if interlace else 0)) + (local or b"")
    return out + bytes([max(bits, 2)]) + blocks(lzw(samples, max(bits, 2)), block) + trailer


def without_global_palette(data):
    """Pillow takes the global palette in place of a local one that is a grey ramp; rexnet takes the frame's own."""
    end = 13 + 3 * (2 << (data[10] & 7))
    alone = data[:10] + b"\0" + data[11:13] + data[end:]
    return lambda: Image.open(io.BytesIO(alone)).convert("RGB")


def gif_cases():
    colours = lambda n, seed=1: bytes(random.Random(seed).randrange(256) for _ in range(3 * n))
    ramp = lambda n: bytes(v for i in range(n) for v in (i, i, i))
    for (w, h), bits, interlace in itertools.product(SIZES, (1, 2, 3, 5, 8), (False, True)):
        n = 1 << bits
        for name, options in (("global", {"palette": colours(n)}), ("local", {"local": colours(n)}),
                              ("both", {"palette": colours(n), "local": colours(n, 2)}), ("none", {}), ("ramp", {"palette": ramp(n)}),
                              ("local ramp", {"palette": colours(n), "local": ramp(n)}),
                              ("short", {"palette": colours(max(2, n // 2))}), ("short ramp", {"palette": ramp(max(2, n // 2))})):
            yield f"{w}x{h} {bits} bits {name} {interlace}", gif((w, h), (0, 0, w, h), bits, interlace=interlace, **options)
    p = colours(8)
    for screen, frame in (((20, 10), (3, 2, 5, 4)), ((5, 4), (3, 2, 9, 8)), ((0, 0), (0, 0, 6, 5)), ((4, 4), (10, 10, 3, 3)),
                          ((6, 6), (0, 0, 0, 3)), ((6, 6), (0, 0, 3, 0)), ((20, 10), (0, 9, 20, 1))):
        for control in ((), ((1, 0, 5),), ((0, 0, 5),), ((1, 0, 200),), ((1, 0, 3), (0, 0, 6)), ((9, 0, 2),), ((13, 5, 2),)):
            for background in (0, 4, 255):
                yield f"screen {screen} frame {frame} {control} {background}", gif(
                    screen, frame, palette=p, control=control, background=background)
                yield f"screen {screen} frame {frame} {control} {background} local", gif(
                    screen, frame, local=p, control=control, background=background)
    whole = gif((9, 6), (0, 0, 9, 6), palette=p)
    yield "87a", gif((9, 6), (0, 0, 9, 6), palette=p, version=b"GIF87a")
    yield "no trailer", gif((9, 6), (0, 0, 9, 6), palette=p, trailer=b"")
    yield "small blocks", gif((9, 6), (0, 0, 9, 6), palette=p, block=3)
    yield "comment", whole[:37] + b"!\xfe\5hello\3you\0" + whole[37:]
    yield "loop", whole[:37] + b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0" + whole[37:]
    yield "plain text", whole[:37] + b"!\1\x0c" + bytes(12) + b"\2hi\0" + whole[37:]
    yield "too few samples", gif((9, 6), (0, 0, 9, 6), palette=p, samples=[1] * 50)
    yield "too many samples", gif((9, 6), (0, 0, 9, 6), palette=p, samples=[1] * 70)
    for mode, size in itertools.product(("1", "L", "P", "RGB", "RGBA"), SIZES):
        for interlace in (0, 1):
            yield f"Pillow {mode} {size} {interlace}", saved(drawn(*size).convert(mode), "GIF", interlace=interlace)
    frames = [drawn(30, 20, seed) for seed in (1, 2, 3)]
    for disposal in range(4):
        yield f"animation {disposal}", saved(frames[0], "GIF", save_all=True, append_images=frames[1:], disposal=disposal, loop=0)
    see_through = drawn(30, 20).convert("RGBA")
    see_through.putalpha(drawn(30, 20).convert("L").point(lambda v: 255 if v > 90 else 0))
    yield "transparent", saved(see_through, "GIF")
    yield "transparent index", saved(drawn(30, 20).convert("P"), "GIF", transparency=17)


# --- WebP -------------------------------------------------------------------------------------------------------

def webp_cases():
    for size, mode in itertools.product(SIZES + [(200, 133)], ("RGB", "RGBA", "L")):
        picture = drawn(*size).convert(mode)
        if mode == "RGBA":
            picture.putalpha(drawn(*size, 3).convert("L"))
        for quality, method in itertools.product((0, 30, 75, 100), (0, 4, 6)):
            yield f"{mode} {size} {quality} {method}", saved(picture, "WEBP", quality=quality, method=method)
        for exact, method in itertools.product((False, True), (0, 4, 6)):
            yield f"lossless {mode} {size} {exact} {method}", saved(picture, "WEBP", lossless=True, exact=exact, method=method)
        yield f"alpha quality {mode} {size}", saved(picture, "WEBP", alpha_quality=20)
        yield f"sharp {mode} {size}", saved(picture, "WEBP", use_sharp_yuv=True)
    frames = [drawn(30, 20, seed).convert(mode) for mode in ("RGB", "RGBA") for seed in (1, 2, 3)]
    frames[3].putalpha(drawn(30, 20, 9).convert("L"))
    for first, lossless, minimize, mixed in itertools.product((0, 3), (False, True), (False, True), (False, True)):
        yield f"animation {first} {lossless} {minimize} {mixed}", saved(
            frames[first], "WEBP", save_all=True, append_images=frames[first + 1:first + 3], lossless=lossless, minimize_size=minimize,
            allow_mixed=mixed, background=(10, 20, 30, 40))
    # A first frame smaller than the canvas.
    for lossless in (False, True):
        picture = saved(drawn(6, 4), "WEBP", lossless=lossless)
        frame = struct.pack("<I", 3)[:3] + struct.pack("<I", 2)[:3] + struct.pack("<I", 5)[:3] + struct.pack("<I", 3)[:3] + b"\x64\0\0\0"
        body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + struct.pack("<I", 19)[:3] + struct.pack("<I", 11)[:3]
        body += b"ANIM" + struct.pack("<I", 6) + b"\x10\x20\x30\xff\0\0"
        body += b"ANMF" + struct.pack("<I", 16 + len(picture) - 12) + frame + picture[12:]
        yield f"a small first frame {lossless}", b"RIFF" + struct.pack("<I", len(body)) + body


def webp_notes():
    picture = saved(drawn(9, 6), "WEBP", lossless=True)[12:]
    for name, notes, note in exif_variants():
        extra = b""
        for kind, data in [(b"EXIF", block) for block in notes] + ([(b"XMP ", note)] if note is not None else []):
            extra += kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        flags = (8 if notes else 0) | (4 if note is not None else 0)
        body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes([flags, 0, 0, 0]) + struct.pack("<I", 8)[:3] + struct.pack("<I", 5)[:3]
        body += picture + extra
        yield name, b"RIFF" + struct.pack("<I", len(body)) + body


# --- BMP --------------------------------------------------------------------------------------------------------

def bmp(width, height, bits, header=40, packing=0, palette=b"", masks=b"", pixels=None, colours=0, offset=None, top_down=False):
    rng = random.Random(width * 131 + height * 17 + bits)
    step = (width * bits + 31) // 32 * 4
    if pixels is None:
        pixels = bytes(rng.randrange(256) for _ in range(step * height))
    if header == 12:
        head = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        head = struct.pack("<IIiHHIIIIII", header, width, -height if top_down else height, 1, bits, packing, len(pixels), 2835, 2835,
                           colours, 0)
        head += (masks if header > 40 else b"").ljust(header - 40, b"\0")
        palette = (masks if header == 40 else b"") + palette
    at = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(pixels), 0, 0, at if offset is None else offset) + head + palette + pixels


def bmp_runs(rng, width, height, four):
    """Legal streams and others."""
    out, left = bytearray(), height
    while left > 0:
        x = 0
        while x < width and rng.random() < 0.95:
            kind, n = rng.random(), rng.randrange(1, width - x + 1)
            if kind < 0.5:
                out += bytes([min(n, 255), rng.randrange(256)])
            elif kind < 0.85 and n >= 3:
                count = (min(n, 255) + 1) // 2 if four else min(n, 255)
                out += bytes([0, min(n, 255)]) + bytes(rng.randrange(256) for _ in range(count)) + b"\0" * (count % 2)
            elif kind < 0.9:
                out += bytes([0, 2, rng.randrange(4), rng.randrange(2)])
            else:
                out += bytes([rng.randrange(256), rng.randrange(256)])
            x += n
        out += b"\0\0"
        left -= 1
    return bytes(out) + (b"\0\1" if rng.random() < 0.8 else b"")


def bmp_cases():
    colours = lambda n, step=4, seed=1: b"".join(
        bytes(random.Random(seed + 300 * n + i).randrange(256) for _ in range(3)) + b"\0" * (step - 3) for i in range(n))
    ramp = lambda n: b"".join(bytes([i, i, i, 0]) for i in range(n))
    black_white = bytes([0, 0, 0, 0, 255, 255, 255, 0])
    for (w, h), header in itertools.product(SIZES, (12, 40, 52, 56, 64, 108, 124)):
        for bits in (1, 4, 8):
            step = 3 if header == 12 else 4
            yield f"{w}x{h} {bits} bits header {header}", bmp(w, h, bits, header, palette=colours(1 << bits, step))
        for bits in (16, 24, 32):
            for top_down in (False, True):
                if header != 12 or not top_down:
                    yield f"{w}x{h} {bits} bits header {header} {top_down}", bmp(w, h, bits, header, top_down=top_down)
    masks = [(0xff0000, 0xff00, 0xff, 0), (0xff000000, 0xff0000, 0xff00, 0), (0xff000000, 0xff00, 0xff, 0),
             (0xff000000, 0xff0000, 0xff00, 0xff), (0xff, 0xff00, 0xff0000, 0xff000000), (0xff0000, 0xff00, 0xff, 0xff000000),
             (0xff000000, 0xff00, 0xff, 0xff0000), (0, 0, 0, 0), (0xf800, 0x7e0, 0x1f, 0), (0x7c00, 0x3e0, 0x1f, 0),
             (0x1f, 0x7e0, 0xf800, 0), (0x3ff00000, 0xffc00, 0x3ff, 0)]
    for (w, h), header, bits, mask in itertools.product(SIZES[3:7], (40, 52, 56, 64, 108, 124), (16, 24, 32, 8), masks):
        data = struct.pack("<4I", *mask)[:12 if header == 40 else 16]
        yield f"{w}x{h} {bits} bits header {header} masks {mask}", bmp(w, h, bits, header, 3, masks=data, palette=colours(256) if bits == 8 else b"")
    for n in (1, 2, 3, 16, 200, 255, 256, 257):
        for name, palette in (("colours", colours(n)), ("ramp", ramp(min(n, 256)))):
            if n == 1 and name == "ramp":
                continue
            yield f"8 bits {n} {name}", bmp(17, 9, 8, palette=palette, colours=n)
            yield f"8 bits {n} {name}, offset without", bmp(17, 9, 8, palette=palette, colours=n, offset=54)
    for n in (1, 2):  # Pillow reads these rows as if they had one bit a pixel
        yield f"8 bits, {n} of black and white", bmp(17, 9, 8, palette=black_white[:4 * n], colours=n), bmp(
            17, 9, 8, palette=black_white[:4 * n] + colours(1), colours=n + 1)
    yield "1 bit black and white", bmp(17, 9, 1, palette=black_white)
    yield "1 bit white and black", bmp(17, 9, 1, palette=black_white[4:] + black_white[:4])
    yield "1 bit, one colour", bmp(17, 9, 1, palette=colours(1), colours=1)
    for bits in (0, 2, 3, 5, 64):
        yield f"{bits} bits", bmp(8, 8, bits)
    for packing in (4, 5, 6, 11):
        yield f"packing {packing}", bmp(8, 8, 24, packing=packing)
    for seed, (w, h), four in itertools.product(range(30), SIZES, (False, True)):
        rng = random.Random(seed)
        bits = 4 if four else 8
        yield f"runs {bits} {seed} {w}x{h}", bmp(w, h, bits, packing=2 if four else 1, palette=colours(1 << bits, seed=seed), top_down=seed % 5 == 0,
                                               pixels=bmp_runs(rng, w, h, four))
    for mode, size in itertools.product(("1", "L", "P", "RGB", "RGBA"), SIZES):
        yield f"Pillow {mode} {size}", saved(drawn(*size).convert(mode), "BMP")
    whole = bmp(9, 6, 24)
    for n in (1, 2, 3, 20, 100):
        yield f"cut by {n}", whole[:-n]
    yield "bytes behind", whole + b"garbage"
    yield "a far offset", bmp(9, 6, 24, offset=10**6)
    yield "zero wide", bmp(0, 6, 24)
    yield "zero high", bmp(9, 0, 24)


# --- TIFF -------------------------------------------------------------------------------------------------------

def packed_bits(data):
    return b"".join(bytes([len(data[i:i + 128]) - 1]) + data[i:i + 128] for i in range(0, len(data), 128))


def packed_samples(values, bits, endian):
    """Rows of whole bytes, the first sample in the highest bits."""
    rows = values.reshape(values.shape[0], -1)
    if bits in (8, 16, 32, 64):
        return rows.astype(f"{endian}u{bits // 8}").tobytes()
    places = np.arange(bits - 1, -1, -1, dtype=np.uint64)
    return np.packbits((rows[:, :, None] >> places & 1).astype(np.uint8).reshape(rows.shape[0], -1), axis=1).tobytes()


def tiff(width, height, bits=8, samples=3, photometric=2, endian="<", big=False, compression=1, rows=None, tile=None, planar=1, extras=(),
         palette=None, sample_format=None, fill_order=1, orientation=None, predictor=None, more=(), ycc=None):
    """The same samples in strips or tiles, in whatever order; more: (tag, type, values)."""
    rng = np.random.default_rng(width * 131 + height * 17 + bits + samples + (photometric or 0))
    values = rng.integers(0, 1 << min(bits, 32), (height, width, samples), dtype=np.uint64)
    pieces = []
    for plane in (range(samples) if planar == 2 else [slice(None)]):
        part = values[:, :, plane].reshape(height, width, -1)
        bw, bh = tile or (width, rows or height)
        for y in range(0, height, bh):
            for x in range(0, width, bw):
                piece = part[y:y + bh, x:x + bw]
                if tile:
                    piece = np.pad(piece, ((0, bh - piece.shape[0]), (0, bw - piece.shape[1]), (0, 0)))
                pieces.append(packed_samples(piece, bits, endian))
    rows = rows or height
    if compression in (8, 32946):
        pieces = [zlib.compress(p) for p in pieces]
    if compression == 32773:
        pieces = [packed_bits(p) for p in pieces]
    if fill_order == 2:
        pieces = [np.packbits(np.unpackbits(np.frombuffer(p, np.uint8)), bitorder="little").tobytes() for p in pieces]
    formats = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B", 12: "d", 16: "Q", 5: "I"}
    tags = [(256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * samples), (259, 3, [compression]), (277, 3, [samples]), (284, 3, [planar])]
    if photometric is not None:
        tags.append((262, 3, [photometric]))
    tags += [(322, 4, [tile[0]]), (323, 4, [tile[1]])] if tile else [(278, 4, [rows])]
    if extras:
        tags.append((338, 3, list(extras)))
    if palette:
        tags.append((320, 3, palette))
    if sample_format:
        tags.append((339, 3, [sample_format] * samples))
    if fill_order != 1:
        tags.append((266, 3, [fill_order]))
    if orientation is not None:
        tags.append((274, 3, [orientation]))
    if predictor:
        tags.append((317, 3, [predictor]))
    if ycc:
        tags.append((530, 3, list(ycc)))
    tags += list(more)
    head = 16 if big else 8
    start, offsets, body = head, [], b""
    for p in pieces:
        offsets.append(start + len(body))
        body += p + b"\0" * (len(p) % 2)
    tags += [(324 if tile else 273, 16 if big else 4, offsets), (325 if tile else 279, 4, [len(p) for p in pieces])]
    tags.sort()
    place, wide, counter, inside = start + len(body), "Q" if big else "I", "Q" if big else "H", 8 if big else 4
    directory = struct.pack(endian + counter, len(tags))
    elsewhere, free = b"", place + len(directory) + len(tags) * (20 if big else 12) + inside
    for tag, kind, values in tags:
        data = struct.pack(f"{endian}{len(values)}{formats[kind]}", *values)
        count = len(values) // 2 if kind == 5 else len(values)
        directory += struct.pack(endian + "HH" + wide, tag, kind, count)
        if len(data) <= inside:
            directory += data.ljust(inside, b"\0")
        else:
            directory += struct.pack(endian + wide, free + len(elsewhere))
            elsewhere += data + b"\0" * (len(data) % 2)
    order = b"II" if endian == "<" else b"MM"
    first = order + (struct.pack(endian + "HHHQ", 43, 8, 0, place) if big else struct.pack(endian + "HI", 42, place))
    return first + body + directory + bytes(inside) + elsewhere


LAYOUTS = [  # bits, samples, photometric, extras
    *[(b, 1, p, ()) for b in (1, 2, 4, 8, 16) for p in (0, 1)], *[(b, 1, 3, ()) for b in (1, 2, 4, 8)],
    *[(8, 2, 1, (e,)) for e in (0, 1, 2)], *[(8, 2, 3, (e,)) for e in (0, 1, 2)], (8, 3, 2, ()), (16, 3, 2, ()),
    *[(b, 4, 2, e) for b in (8, 16) for e in ((), (0,), (1,), (2,))], (8, 5, 2, (1, 0)), (8, 5, 2, (2, 0)), (8, 5, 2, (0, 0)), (8, 6, 2, (0, 0, 0)),
    (8, 6, 2, (1, 0, 0)), (8, 4, 5, ()), (16, 4, 5, ()), (8, 5, 5, (0,)), (8, 6, 5, (0, 0)), (8, 3, 8, ()), (8, 3, 6, ()), (8, 7, 2, (0, 0, 0, 0)), (12, 1, 1, ()),
    (32, 1, 1, ()), (64, 1, 1, ()), (8, 1, 2, ()), (8, 2, 2, ()), (8, 3, 1, ()), (16, 1, 3, ()), (24, 1, 1, ())]


def tiff_rule(bits, samples, photometric):
    """16-bit grey keeps its high byte, where Pillow clips; 32 bits and Lab are refused."""
    if samples == 1 and bits in (12, 16) and photometric in (0, 1):
        return "high byte"
    if bits == 32 or photometric == 8:
        return "refused"
    return "pillow"


def tiff_cases(folder):
    for layout, endian, fill in itertools.product(LAYOUTS, "<>", (1, 2)):
        bits, samples, photometric, extras = layout
        palette = [random.Random(bits).randrange(65536) for _ in range(3 << bits)] if photometric == 3 and bits <= 8 else None
        if photometric == 3 and palette is None:
            palette = [0] * (3 << 8)
        for size, compression in itertools.product(((1, 1), (7, 5), (33, 31)), (1, 8, 32773)):
            # Pillow refuses some orders and mistakes others (planes without compression); in this one it reads all.
            plain = tiff(*size, bits, samples, photometric, extras=extras, palette=palette,
                         ycc=(1, 1) if photometric == 6 else None)
            for name, options in (("strip", {}), ("strips", {"rows": 4}), ("tiles", {"tile": (16, 16)}), ("planar", {"planar": 2, "rows": 8}),
                                  ("planar tiles", {"planar": 2, "tile": (32, 16)}), ("big", {"big": True})):
                rule = tiff_rule(bits, samples, photometric)
                if photometric == 6 and compression != 1:  # libtiff converts colours that are packed, another way
                    rule = "reads more"
                yield (f"{layout} {endian} fill {fill} {size} packed {compression} {name}",
                       tiff(*size, bits, samples, photometric, endian, compression=compression, extras=extras, palette=palette, fill_order=fill,
                            ycc=(1, 1) if photometric == 6 else None, **options), "as in one strip" if rule == "pillow" else rule, plain)
    yield "no photometric", tiff(9, 6, 8, 1, None), "reads more"
    for sample_format in (2, 3, 4, 5):
        for bits in (8, 16, 32):
            yield f"format {sample_format} {bits} bits", tiff(9, 6, bits, 1, 1, sample_format=sample_format), "refuses more"
    yield from tiff_from_pillow(folder)


def tiff_from_pillow(folder):
    names = ["raw", "tiff_lzw", "packbits", "tiff_adobe_deflate", "tiff_deflate", "jpeg", "group3", "group4", "tiff_ccitt", "lzma", "zstd", "webp",
             "tiff_thunderscan"]
    for mode, compression, size in itertools.product(
            ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I;16", "LAB"), names, SIZES):
        if mode == "LAB":
            from PIL import ImageCms
            picture = ImageCms.profileToProfile(drawn(*size), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB")
        else:
            picture = drawn(*size).convert("L").convert(mode) if mode == "I;16" else drawn(*size).convert(mode)
        rule = "high byte" if mode == "I;16" else "refused" if mode == "LAB" else "pillow"
        yield f"Pillow {mode} {compression} {size}", saved(picture, "TIFF", compression=compression), rule
    for predictor, mode, compression in itertools.product((1, 2), ("L", "RGB", "RGBA", "CMYK"), ("tiff_lzw", "tiff_adobe_deflate")):
        yield f"predictor {predictor} {mode} {compression}", saved(drawn(33, 31).convert(mode), "TIFF", compression=compression,
                                                                   tiffinfo={317: predictor}), "pillow"
    for quality in (1, 50, 90):
        yield f"JPEG {quality}", saved(drawn(33, 31), "TIFF", compression="jpeg", quality=quality), "pillow"
    yield "pages", saved(drawn(9, 6), "TIFF", save_all=True, append_images=[drawn(20, 10)]), "pillow"
    yield "BigTIFF", saved(drawn(33, 31), "TIFF", big_tiff=True), "pillow"
    for mode, size in itertools.product(("1", "L", "P", "RGB", "RGBA", "CMYK"), ((17, 9), (50, 49), (200, 133))):
        source = saved(drawn(*size).convert(mode), "TIFF")
        for options in (["-c", "lzw"], ["-c", "lzw:2"], ["-c", "zip:2"], ["-c", "packbits"], ["-c", "g3"], ["-c", "g3:2d"], ["-c", "g3:fill"], ["-c", "g4"],
                        ["-c", "lzma"], ["-c", "zstd"], ["-c", "webp"], ["-c", "jpeg"], ["-c", "jpeg:r"], ["-c", "jpeg:30"], ["-t", "-w", "16", "-l", "16"],
                        ["-t", "-w", "32", "-l", "64", "-c", "zip"], ["-p", "separate"], ["-p", "separate", "-c", "zip"], ["-p", "separate", "-t"],
                        ["-r", "3"], ["-r", "8", "-c", "jpeg"], ["-t", "-c", "jpeg"], ["-t", "-c", "jpeg:r"], ["-B", "-c", "lzw"], ["-L", "-c", "none"], ["-f", "lsb2msb", "-c", "g4"],
                        ["-8", "-c", "zip"], ["-8", "-B"]):
            yield (f"tiffcp {mode} {size} {' '.join(options)}", through("tiffcp", source, *options, ending=(".tif", ".tif"), folder=folder),
                   "reads more" if "-B" in options and "-8" in options or "webp" in options else "pillow")


def tiff_notes():
    for value in range(10):
        for size, compression in itertools.product(((9, 6), (6, 9)), (1, 8)):
            yield f"orientation {value} {size} {compression}", tiff(*size, orientation=value, compression=compression)
            yield f"orientation {value} big-endian", tiff(*size, orientation=value, compression=compression, endian=">")
            yield f"orientation {value} BigTIFF", tiff(*size, orientation=value, compression=compression, big=True)
        yield f"long {value}", tiff(9, 6, more=[(274, 4, [value])])
        for form in ("attribute", "element"):
            yield f"xmp {value}", tiff(9, 6, more=[(700, 1, list(xmp(value, form)))])
            yield f"xmp {value} and orientation", tiff(9, 6, orientation=3, more=[(700, 1, list(xmp(value, form)))])


def high_byte(data):
    """What rexnet makes of 16-bit grey (12-bit: the upper eight bits)."""
    def pixels():
        with Image.open(io.BytesIO(data)) as picture:
            bits = 16
            inverted = False
            if picture.format == "TIFF":
                tags = picture.tag_v2
                bits, inverted = tags[258][0], tags.get(262, 0) == 0
            picture.load()
            values = np.asarray(picture).astype(np.uint32)
        values = (values >> (bits - 8)).astype(np.uint8)
        return Image.fromarray(255 - values if inverted else values).convert("RGB")
    return pixels


# --- PNM, HEIC, AVIF ------------------------------------------------------------------------------------------------

def pnm_cases():
    for (w, h), kind, largest in itertools.product(SIZES, (5, 6), (1, 2, 15, 100, 254, 255, 256, 65535)):
        rng = random.Random(w * 7 + h + largest)
        n = w * h * (3 if kind == 6 else 1)
        size = 1 if largest < 256 else 2
        data = b"".join(rng.randrange(largest + 1).to_bytes(size, "big") for _ in range(n))
        yield f"P{kind} {w}x{h} {largest}", f"P{kind}\n# a comment\n{w} {h}\n{largest}\n".encode() + data, "refuses more" if size == 2 else "pillow"


def lossy_cases(kind, folder):
    for size in ((16, 16), (64, 48), (200, 133), (131, 77)):
        picture = smooth(*size)
        for quality, sampling in itertools.product((60, 90, 100), ("4:2:0", "4:2:2", "4:4:4", "4:0:0")):
            if kind == "AVIF":
                yield f"{size} {quality} {sampling}", saved(picture, "AVIF", quality=quality, subsampling=sampling, speed=8)
            elif sampling != "4:0:0":
                yield f"{size} {quality} {sampling}", saved(picture, "HEIF", quality=quality, chroma=sampling.replace(":", ""))
        for mode in ("L", "RGBA"):
            other = picture.convert(mode)
            yield f"{size} {mode}", saved(other, "AVIF" if kind == "AVIF" else "HEIF", quality=90)
        yield f"{size} libheif", through("heif-enc", saved(picture, "PNG"), *(["-A"] if kind == "AVIF" else []), "-q", "90",
                                         ending=(".png", ".avif" if kind == "AVIF" else ".heic"), folder=folder)
    for value in range(1, 9):
        yield f"orientation {value}", saved(smooth(64, 48), "AVIF" if kind == "AVIF" else "HEIF", quality=90, exif=b"Exif\0\0" + exif(value))


def every(cases, step):
    """The whole of a short list, every nth of a long one."""
    kept = [case for case in cases if case[1] is not None]
    return kept if len(kept) < 100 else kept[::step]


def cases(kind, step, folder):
    if kind == "JPEG":
        for name, data in every(jpeg_cases(folder), step):
            yield Case(kind, name, data, "refuses more" if "SOF" in name else "pillow")
        for name, data in jpeg_notes():
            yield Case(kind, name, data)
        whole = saved(drawn(17, 9), "JPEG", quality=60)
        yield from cut("baseline", kind, whole, range(0, len(whole), step))
        whole = saved(drawn(17, 9), "JPEG", quality=60, progressive=True)
        yield from cut("progressive", kind, whole, range(0, len(whole), step))
    elif kind == "PNG":
        for name, data, high in every(png_cases(), step):
            yield Case(kind, name, data, "high byte" if high else "pillow", high_byte(data) if high else None)
        for name, data, rule in png_damage():
            yield Case(kind, name, data, rule)
        for name, data, rule in png_notes():
            yield Case(kind, name, data, rule)
    elif kind == "GIF":
        for name, data in every(gif_cases(), step):
            ramp = "local ramp" in name
            yield Case(kind, name, data, "own palette" if ramp else "pillow", without_global_palette(data) if ramp else None)
        whole = saved(drawn(17, 9), "GIF")
        yield from cut("GIF", kind, whole, range(0, len(whole), step))
    elif kind == "WebP":
        for name, data in every(webp_cases(), step):
            yield Case(kind, name, data)
        for name, data in webp_notes():
            yield Case(kind, name, data, "reads more" if name in ("four bytes", "garbage") else "pillow")
        for lossless in (False, True):
            whole = saved(drawn(17, 9), "WEBP", lossless=lossless)
            yield from cut(f"WebP {lossless}", kind, whole, range(0, len(whole), step))
    elif kind == "BMP":
        for name, data, *same in every(bmp_cases(), step):
            pixels = (lambda same=same[0]: Image.open(io.BytesIO(same)).convert("RGB")) if same else None
            yield Case(kind, name, data, "its own colours" if same else "pillow", pixels)
    elif kind == "TIFF":
        for name, data, rule, *plain in every(tiff_cases(folder), step):
            pixels = high_byte(plain[0] if plain else data) if rule == "high byte" else None
            if rule == "as in one strip":
                pixels = lambda plain=plain[0]: Image.open(io.BytesIO(plain)).convert("RGB")
            yield Case(kind, name, data, rule, pixels)
        for name, data in tiff_notes():
            yield Case(kind, name, data)
        for compression in (1, 8, 32773):
            whole = tiff(17, 9, compression=compression, rows=3)
            yield from cut(f"TIFF {compression}", kind, whole, range(0, len(whole), step))
    elif kind == "PNM":
        for name, data, rule in pnm_cases():
            yield Case(kind, name, data, rule)
    elif kind in ("AVIF", "HEIC"):
        for name, data in lossy_cases(kind, folder):
            if data is not None:
                yield Case(kind, name, data, "near 2.0 90")
