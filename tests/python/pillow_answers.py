#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Pillow says, for tests: writes resize.json, picture_files.json, pictures.json and pictures/ of tests/golden.

    python3 tests/python/pillow_answers.py ROBUSTNESS_DIR        (Pillow 13.0, numpy, pillow_heif; cjpeg, tiffcp)

resize.json: checksums of resized and cropped pictures that a formula draws; no picture file is needed.
picture_files.json: for every JPEG and PNG below ROBUSTNESS_DIR its size and the CRC-32 of its RGB bytes, plain and
turned upright by EXIF; "refused" where Pillow raises an error.
pictures/: small files of every format, by Pillow, cjpeg, tiffcp and picture_writers.py; pictures.json: the same of them,
and for lossy HEIC and AVIF Pillow's pixels as PNG ("near").
"""
import io
import json
import os
import sys
import tempfile
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")
FILTERS = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}


def drawn(width, height):
    """The picture of tests/unit/resize.cpp: every byte value, smooth parts and hard edges."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    smooth = x * 3 + y * 5 + c * 40
    rough = (x * 73 + y * 151 + c * 199) * (x + y + 1) // 7
    return Image.fromarray((np.where((x // 9 + y // 11) % 2 == 0, smooth, rough) % 256).astype(np.uint8))


def preprocessed(picture, size, crop_pct, name):
    """torchvision's Resize (short side) and CenterCrop."""
    width, height = picture.size
    short = int(size / crop_pct)
    width, height = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    picture = picture.resize((width, height), FILTERS[name])
    left, top = round((width - size) / 2), round((height - size) / 2)
    return picture.crop((left, top, left + size, top + size))


def resize_answers():
    cases = []
    sizes = [(1, 1), (2, 3), (7, 5), (64, 48), (100, 37), (37, 100), (256, 256), (257, 300), (640, 480), (481, 1237), (1500, 333),
             (150, 300)]  # twice as tall as wide: both shrink in the very ratio where the order of the passes changes
    for width, height in sizes:
        for size, crop_pct in [(224, 0.875), (96, 0.95), (33, 1.0), (288, 1.0)]:
            for name in FILTERS:
                pixels = preprocessed(drawn(width, height), size, crop_pct, name)
                cases.append({"width": width, "height": height, "input_size": size, "crop_pct": crop_pct, "interpolation": name,
                              "crc32": zlib.crc32(pixels.tobytes())})
    return {"pillow": PIL.__version__, "cases": cases}


def file_answers(root):
    files = {}
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            if not name.lower().endswith((".jpg", ".jpeg", ".png")):
                continue
            path = os.path.join(folder, name)
            try:
                picture = Image.open(path)
                mode, plain, upright = picture.mode, picture.convert("RGB"), ImageOps.exif_transpose(picture).convert("RGB")
                files[os.path.relpath(path, root)] = {"mode": mode, "size": plain.size, "crc32": zlib.crc32(plain.tobytes()),
                                                      "upright_crc32": zlib.crc32(upright.tobytes())}
            except Exception:  # Pillow raises OSError, SyntaxError, ValueError and more for damaged files
                files[os.path.relpath(path, root)] = "refused"
    return {"pillow": PIL.__version__, "files": files}


def golden_pictures(folder):
    """(name, bytes) of small files, one for each rule that a decoder could miss."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import picture_writers as w
    picture, size = w.drawn(17, 9), (17, 9)
    ppm = w.saved(picture, "PPM")
    jpeg = w.saved(picture, "JPEG", quality=80)
    cmyk = w.saved(picture.convert("CMYK"), "JPEG", quality=80, subsampling=0)
    for sampling in ("4x2", "1x4", "3x1", "1x1,2x1,1x1", "2x2,2x1,1x2", "4x1"):
        yield f"sampling_{sampling.replace(',', '_')}.jpg", w.through("cjpeg", ppm, "-sample", sampling, ending=(".ppm", ".jpg"), folder=folder)
    yield "arithmetic.jpg", w.through("cjpeg", ppm, "-arithmetic", ending=(".ppm", ".jpg"), folder=folder)
    yield "rgb.jpg", w.through("cjpeg", ppm, "-rgb", ending=(".ppm", ".jpg"), folder=folder)
    yield "progressive.jpg", w.saved(picture, "JPEG", progressive=True)
    yield "cmyk_subsampled.jpg", w.saved(picture.convert("CMYK"), "JPEG", subsampling=2)
    patches = dict(w.jpeg_patches("CMYK", cmyk))
    for name, patch in (("cmyk", "CMYK JFIF None Adobe None"), ("cmyk_adobe", "CMYK JFIF None Adobe 0"), ("ycck", "CMYK JFIF None Adobe 2")):
        yield name + ".jpg", patches[patch]
    for name, notes in (("jpg", w.jpeg_notes()), ("png", ((n, d) for n, d, _ in w.png_notes())), ("webp", w.webp_notes())):
        notes = dict(notes)
        for title in ("exif 6 > type 4", "exif 8 < type 3", "two segments", "xmp element 6", "exif 1 and xmp 6", "exif type 5 <"):
            found = [n for n in notes if n == title or n == title + " at 1"]
            if found:
                yield f"notes_{title.replace(' ', '_').replace('<', 'little').replace('>', 'big')}.{name}", notes[found[0]]
    parts = w.chunks(w.saved(picture, "PNG"))
    yield "no_end.png", w.png(parts[:-1])
    yield "text_behind_no_end.png", w.png(parts[:-1] + [(b"tEXt", b"a\0b")])
    yield "unknown_chunk.png", w.png(parts[:1] + [(b"ABCD", b"xy")] + parts[1:])
    yield "words.png", w.raw_png(*size, 16, 2)
    yield "short_palette.png", w.raw_png(*size, 8, 3, palette=bytes(range(90)))
    yield "animated.png", w.saved(picture, "PNG", save_all=True, append_images=[w.drawn(17, 9, 2)])
    colours = bytes((7 * i) % 256 for i in range(24))
    for name, frame, control, interlace in (("plain", (0, 0, 17, 9), (), False), ("interlaced", (0, 0, 17, 9), (), True), ("inside", (3, 2, 8, 5), (), False),
                                            ("transparent", (3, 2, 8, 5), ((1, 0, 5),), False), ("outside", (10, 5, 12, 8), (), True)):
        yield name + ".gif", w.gif(size, frame, palette=colours, control=control, interlace=interlace, background=4)
    yield "local.gif", w.gif(size, (0, 0, 17, 9), palette=colours, local=colours[::-1])
    yield "no_palette.gif", w.gif(size, (0, 0, 17, 9))
    yield "no_trailer.gif", w.gif(size, (0, 0, 17, 9), palette=colours, trailer=b"")
    webp = [(n, d) for n, d in w.webp_cases() if d is not None]
    for name, start in (("lossy", "RGB (17, 9) 75 4"), ("lossless", "lossless RGBA (17, 9) True 4"), ("alpha", "RGBA (17, 9) 30 4"),
                        ("animated", "animation 0 False False False"), ("small_frame", "a small first frame True")):
        yield name + ".webp", next(d for n, d in webp if n == start)
    bgr = b"".join(bytes([i * 9 % 256, i * 31 % 256, i * 77 % 256, 0]) for i in range(256))
    import random
    yield "runs8.bmp", w.bmp(*size, 8, packing=1, palette=bgr, pixels=w.bmp_runs(random.Random(4), *size, False) + bytes([0, 1]))
    yield "runs4.bmp", w.bmp(*size, 4, packing=2, palette=bgr[:64], pixels=w.bmp_runs(random.Random(7), *size, True) + bytes([0, 1]))
    yield "os2.bmp", w.bmp(*size, 1, 12, palette=b"abcdef")
    yield "four_bits.bmp", w.bmp(*size, 4, palette=bgr[:64])
    yield "eight_bits_top_down.bmp", w.bmp(*size, 8, palette=bgr, top_down=True)
    yield "few_colours.bmp", w.bmp(*size, 8, palette=bgr[:80], colours=20)
    for name, bits, masks in (("565", 16, (0xf800, 0x7e0, 0x1f)), ("555", 16, (0x7c00, 0x3e0, 0x1f)), ("rgba", 32, (0xff, 0xff00, 0xff0000, 0xff000000)),
                              ("abgr", 32, (0xff000000, 0xff0000, 0xff00, 0xff))):
        import struct
        yield f"masks_{name}.bmp", w.bmp(*size, bits, 124, 3, masks=struct.pack(f"<{len(masks)}I", *masks))
    yield "sixteen_bits.bmp", w.bmp(*size, 16)
    words = [(5003 * i) % 65536 for i in range(48)]
    for name, arguments in (
            ("grey", dict(samples=1, photometric=1)), ("white_is_zero", dict(samples=1, photometric=0, bits=4)), ("one_bit", dict(samples=1, photometric=0, bits=1)),
            ("words_tiles", dict(bits=16, tile=(16, 16), compression=8, endian=">")), ("planar", dict(planar=2, rows=4, compression=32773)),
            ("palette", dict(samples=1, photometric=3, bits=4, palette=words)), ("cmyk", dict(samples=4, photometric=5)),
            ("premultiplied", dict(samples=4, extras=(1,))), ("alpha", dict(samples=4, extras=(2,))), ("big", dict(big=True, rows=4)),
            ("ycbcr", dict(photometric=6, ycc=(1, 1))), ("turned", dict(orientation=6)), ("mirrored", dict(orientation=7, compression=8))):
        yield f"{name}.tif", w.tiff(*size, **arguments)
    source = w.saved(picture, "TIFF")
    for name, mode, options in (("lzw", "RGB", ["-c", "lzw:2"]), ("fax4", "1", ["-c", "g4"]), ("fax3", "1", ["-c", "g3:2d"]), ("jpeg", "RGB", ["-c", "jpeg"]),
                                ("lzma", "L", ["-c", "lzma"]), ("zstd", "CMYK", ["-c", "zstd"])):
        source = w.saved(picture.convert(mode), "TIFF")
        yield f"packed_{name}.tif", w.through("tiffcp", source, *options, ending=(".tif", ".tif"), folder=folder)
    import pillow_heif
    pillow_heif.register_heif_opener()
    smooth = w.smooth(64, 48)
    yield "smooth.avif", w.saved(smooth, "AVIF", quality=80, subsampling="4:2:0")
    yield "turned.avif", w.saved(smooth, "AVIF", quality=80, exif=b"Exif\0\0" + w.exif(6))
    yield "smooth.heic", w.saved(smooth, "HEIF", quality=80)
    yield "turned.heic", w.saved(smooth, "HEIF", quality=80, exif=b"Exif\0\0" + w.exif(6))


def picture_answers():
    target, files = os.path.join(GOLDEN, "pictures"), {}
    os.makedirs(target, exist_ok=True)
    for old in os.listdir(target):
        os.remove(os.path.join(target, old))
    with tempfile.TemporaryDirectory() as folder:
        for name, data in golden_pictures(folder):
            with open(os.path.join(target, name), "wb") as file:
                file.write(data)
            picture = Image.open(io.BytesIO(data))
            mode, plain = picture.mode, picture.convert("RGB")
            upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
            files[name] = {"mode": mode, "size": plain.size, "crc32": zlib.crc32(plain.tobytes()), "upright_size": upright.size,
                           "upright_crc32": zlib.crc32(upright.tobytes())}
            if name.endswith((".avif", ".heic")):
                files[name]["near"] = name + ".png"
                plain.save(os.path.join(target, name + ".png"), optimize=True)
    return {"pillow": PIL.__version__, "files": files}


def write(name, answers, key):
    """One entry a line: a diff shows what changed."""
    entries = answers[key]
    if isinstance(entries, dict):
        lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items()]
        brackets = "{}"
    else:
        lines, brackets = [f"  {json.dumps(v)}" for v in entries], "[]"
    with open(os.path.join(GOLDEN, name), "w", encoding="utf-8") as out:
        out.write(f'{{\n "pillow": "{answers["pillow"]}",\n "{key}": {brackets[0]}\n' + ",\n".join(lines) + f"\n {brackets[1]}\n}}\n")


write("resize.json", resize_answers(), "cases")
write("picture_files.json", file_answers(sys.argv[1]), "files")
write("pictures.json", picture_answers(), "files")
