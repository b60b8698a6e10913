"""HDF5: whether a file keeps all that it shows in itself.

The format can keep the values of a variable in any other file (external storage), show those of another HDF5 file as its own (virtual
datasets), or lead into one (external links); the library follows without asking, whatever the paths say. Each leaves structures that are
found by their signatures, whatever the tree above them looks like: format specification 3.0, III.C and IV.A.2.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator

from gis.errors import ReadError

__all__ = ["HDF5", "check_hdf5"]

HDF5 = b"\x89HDF\r\n\x1a\n"
_HEAPS = 5_000
# Version 1, flags with the type of the link among its fields, type 64: an external link.
_LINK = re.compile(rb"\x01[\x08-\x0f\x18-\x1f]\x40", re.DOTALL)
# Layout of version 4 or later, class 3: a virtual dataset, then the address of the global heap that lists its sources.
_VIRTUAL = re.compile(rb"[\x04-\x09]\x03(?=.{8})", re.DOTALL)
_FRACTAL, _LOCAL, _GLOBAL = b"FRHP", b"HEAP", b"GCOL"


def check_hdf5(data: mmap.mmap, name: str) -> None:
    """Raise ReadError for a file that reaches into others, or that is built so that it cannot be told."""
    _check_addresses(data, name)
    # Links in a compressed heap could not be seen.
    if any(_u16(data, at + 7) for at in _places(data, _FRACTAL)):
        raise ReadError(f"{name}: keeps its directory compressed; copy it with `nccopy` or `ncks` first")
    if any(True for _ in _external(data, name)):
        raise ReadError(
            f"{name}: keeps values in other files (HDF5 external storage); copy it with `nccopy` or `h5repack` first"
        )
    for found in _VIRTUAL.finditer(data):
        at = _u64(data, found.start() + 2)
        if at < len(data) and data[at : at + 4] == _GLOBAL:
            raise ReadError(
                f"{name}: shows values of other files (HDF5 virtual dataset); copy it with `nccopy` or `h5repack` first"
            )
    if any(_is_external_link(data, found.start()) for found in _LINK.finditer(data)):
        raise ReadError(f"{name}: links to other files (HDF5 external link); copy it with `nccopy` or `h5repack` first")


def _check_addresses(data: mmap.mmap, name: str) -> None:
    """Addresses have eight bytes and count from the start of the file, as every program writes them; the search relies on it."""
    if len(data) < 96:
        raise ReadError(f"{name}: truncated; it ends within its first block")
    version = data[8]
    if version in (0, 1):
        size, base = data[13], _u64(data, 24 if version == 0 else 28)
    elif version in (2, 3):
        size, base = data[9], _u64(data, 12)
    else:
        raise ReadError(f"{name}: an HDF5 file of a version that is not known")
    if size != 8 or base != 0:
        raise ReadError(
            f"{name}: an HDF5 file with addresses of {size} bytes from byte {base}; copy it with `nccopy` first"
        )


def _external(data: mmap.mmap, name: str) -> Iterator[int]:
    """Places of lists of external files: version 1, three zeros, slots, slots used, address of the heap with the names."""
    for count, heap in enumerate(_places(data, _LOCAL)):
        if count >= _HEAPS:
            raise ReadError(f"{name}: more than {_HEAPS} groups; copy it with `nccopy` first")
        for at in _places(data, struct.pack("<Q", heap)):
            if at >= 8 and data[at - 8 : at - 4] == b"\x01\0\0\0" and 0 < _u16(data, at - 2) <= _u16(data, at - 4):
                yield at


def _is_external_link(data: mmap.mmap, at: int) -> bool:
    """Whether a link message stands there whose value is that of an external link: flags, file, path, each ended by a zero."""
    flags = data[at + 1]
    place = at + 3 + (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = int.from_bytes(data[place : place + width], "little")
    place += width + length
    if not 0 < length <= 65_536 or place + 2 > len(data):
        return False
    value = data[place + 2 : place + 2 + _u16(data, place)]
    return (
        len(value) >= 4
        and len(value) == _u16(data, place)
        and value[0] == 0
        and value[-1] == 0
        and value[1:-1].count(0) == 1
    )


def _places(data: mmap.mmap, wanted: bytes) -> Iterator[int]:
    at = data.find(wanted)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1)


def _u16(data: mmap.mmap, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _u64(data: mmap.mmap, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")
