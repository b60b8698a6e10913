"""A PNG of class codes with a palette, as a data address that an HTML file can hold."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["data_address", "shrink"]

Colour = tuple[int, int, int]


def shrink(codes: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """The codes in blocks, so that no side is longer than ``most``: a block shows its greatest code."""
    factor = max(1, -(-max(codes.shape) // most))
    if factor == 1:
        return codes
    starts = [np.arange(0, n, factor) for n in codes.shape]
    blocks: NDArray[np.uint8] = np.maximum.reduceat(np.maximum.reduceat(codes, starts[0], 0), starts[1], 1)
    return blocks


def data_address(codes: NDArray[np.uint8], colours: Mapping[int, Colour]) -> str:
    """``data:image/png;base64,…`` of the codes; those without a colour are transparent."""
    palette, alpha = bytearray(256 * 3), bytearray(256)
    for code, colour in colours.items():
        palette[3 * code : 3 * code + 3] = bytes(colour)
        alpha[code] = 255
    rows, cols = codes.shape
    lines = np.zeros((rows, cols + 1), np.uint8)  # each line begins with its filter: 0, none
    lines[:, 1:] = codes
    header = struct.pack(">IIBBBBB", cols, rows, 8, 3, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 6)
    parts = ((b"IHDR", header), (b"PLTE", bytes(palette)), (b"tRNS", bytes(alpha)), (b"IDAT", body), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
