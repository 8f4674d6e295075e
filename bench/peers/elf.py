# SPDX-License-Identifier: MIT
"""Sizes of a 64-bit little-endian ELF file's code and constants."""

import struct
from pathlib import Path


def code_bytes(path):
    """Bytes of allocated sections that are not writable: code, constants, unwind tables, symbol names."""
    data = Path(path).read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"{path}: not a 64-bit little-endian ELF file")
    (table,) = struct.unpack_from("<Q", data, 40)
    entry, count = struct.unpack_from("<HH", data, 58)
    total = 0
    for i in range(count):
        kind, flags, size = struct.unpack_from("<4xIQ16xQ", data, table + i * entry)
        allocated, writable, no_bits = flags & 2, flags & 1, kind == 8
        total += size if allocated and not writable and not no_bits else 0
    return total
