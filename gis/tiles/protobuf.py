"""Protocol buffers as far as tiles and glyphs need them: numbers and fields as bytes."""

from __future__ import annotations

__all__ = ["field", "number", "signed", "varint"]


def varint(value: int) -> bytes:
    """A whole number ≥ 0, seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(tag: int, data: bytes) -> bytes:
    """A field of bytes: a text or another message."""
    return bytes((tag << 3 | 2,)) + varint(len(data)) + data


def number(tag: int, value: int) -> bytes:
    """A field that holds a whole number ≥ 0."""
    return bytes((tag << 3,)) + varint(value)


def signed(tag: int, value: int) -> bytes:
    """A field that holds a whole number of either sign (sint32)."""
    return number(tag, value << 1 if value >= 0 else -2 * value - 1)
