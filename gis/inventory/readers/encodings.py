"""Bytes of a text file to text: the encoding found out when it is not stated, and never half right."""

from __future__ import annotations

import codecs

from gis.errors import ReadError

__all__ = ["decode", "encoding_of"]

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# So many characters of several bytes are not valid UTF-8 by chance: a GB18030 text fails long before.
_BY_CHANCE = 8


def decode(data: bytes, *, name: str, encoding: str | None) -> str:
    """The text of a file, without a byte order mark."""
    chosen = _known(encoding, name) if encoding else encoding_of(data, name=name)
    if chosen == "utf-8":
        chosen = "utf-8-sig"
    try:
        text = data.decode(chosen)
    except UnicodeDecodeError as error:
        raise ReadError(
            f"{name}: byte {error.start} is not valid {encoding or chosen} ({error.reason}); state the `encoding` of the "
            "file, or leave it out to have it found out"
        ) from error
    if "\0" in text:
        raise ReadError(
            f"{name}: a NUL character stands at character {text.index(chr(0))}; the file is damaged or not a text file"
        )
    return text


def _known(encoding: str, name: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise ReadError(f"{name}: encoding {encoding!r} is not known; use utf-8, utf-8-sig or gb18030") from error


def encoding_of(data: bytes, *, name: str) -> str:
    """The encoding of bytes: by its mark, else strict UTF-8, else GB18030, else an error."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        failed = error
    before = data[: failed.start]
    if len(before) - len(before.decode("utf-8")) > 2 * _BY_CHANCE or failed.reason == "unexpected end of data":
        raise ReadError(
            f"{name}: UTF-8 text with a damaged character at byte {failed.start}; the file is truncated or corrupt"
        )
    try:
        data.decode("gb18030")
        return "gb18030"
    except UnicodeDecodeError as error:
        raise ReadError(
            f"{name}: neither UTF-8 (byte {failed.start}) nor GB18030 (byte {error.start}); state its `encoding`, or save "
            "it as UTF-8"
        ) from error
