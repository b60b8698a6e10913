"""Uploads: files of a request to an inventory's folder, counted while they come, looked at before they are kept, or removed whole."""

from __future__ import annotations

import stat
import unicodedata
import zipfile
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from gis.errors import GisError, InvalidDescription, ReadError
from gis.workspace.objects import storage_errors
from service.errors import Problem, TooLarge
from service.jobs.contents import ENDINGS, check_content
from service.jobs.inventories import Incoming
from service.jobs.trust import DESCRIPTION, check_name_of_file, missing_files, trusted_description
from service.settings import Settings

__all__ = ["receive"]

_FILES = 500
_ARCHIVE = ".archive"
_BLOCK = 1 << 20
_HEADER = 2_048
_MB = 1_000_000
# The end of a ZIP's directory: 22 bytes without a comment; before it, the mark of archives too large for here.
_END, _END_MARK, _LARGE_MARK = 22, b"PK\x05\x06", b"PK\x06\x07"
_DIRECTORY_BYTES = 1 << 20
# What some systems add to every archive.
_JUNK = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


async def receive(body: AsyncIterator[bytes], content_type: str, incoming: Incoming, settings: Settings) -> None:
    """Write an upload into a folder and look at all of it. The caller keeps the folder, or closes it after any error."""
    sink = _sink(content_type, incoming.folder, settings.upload_bytes)
    try:
        waiting = bytearray()
        async for block in body:
            waiting += block
            if len(waiting) >= _BLOCK:
                await run_in_threadpool(sink.write, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(sink.write, bytes(waiting))
        await run_in_threadpool(sink.finish)
    finally:
        sink.close()
    await run_in_threadpool(_accept, incoming.folder, int(settings.unpacked_mb * _MB))


class _Sink(Protocol):
    def write(self, data: bytes) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


def _sink(content_type: str, folder: Path, limit: int) -> _Sink:
    kind, options = parse_options_header(content_type)
    if kind in (b"application/zip", b"application/x-zip-compressed"):
        return _Archive(folder, limit)
    if kind == b"multipart/form-data" and 0 < len(options.get(b"boundary", b"")) <= 200:
        return _Form(folder, limit, options[b"boundary"])
    raise Problem("send multipart/form-data with files, or one application/zip", status=415)


@dataclass(slots=True)
class _Counted:
    """A limit on all that comes, whatever the client said of it before."""

    limit: int
    size: int = 0

    def add(self, count: int) -> None:
        self.size += count
        if self.size > self.limit:
            raise TooLarge(f"an upload has {self.limit:,} bytes at most")


class _Archive:
    """A ZIP as the body itself."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._counted = _Counted(limit)
        self._file = (folder / _ARCHIVE).open("xb")

    def write(self, data: bytes) -> None:
        self._counted.add(len(data))
        with storage_errors(Path(self._file.name)):
            self._file.write(data)

    def finish(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


@dataclass(slots=True)
class _Part:
    """The part that is being read: its headers, then its file."""

    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    disposition: bytes = b""
    file: BinaryIO | None = None


class _Form:
    """Files of a form: either one ZIP, or the files themselves."""

    def __init__(self, folder: Path, limit: int, boundary: bytes) -> None:
        self._folder, self._counted, self._part, self._ended = folder, _Counted(limit), _Part(), False
        self._names: set[str] = set()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin, "on_header_field": self._field, "on_header_value": self._value, "on_header_end": self._header,
                "on_headers_finished": self._open, "on_part_data": self._data, "on_part_end": self._close_part, "on_end": self._end,
            },
        )  # fmt: skip

    def write(self, data: bytes) -> None:
        self._counted.add(len(data))
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Problem(f"the form cannot be read: {error}") from error

    def finish(self) -> None:
        if not self._ended:
            raise Problem("the form is cut off; its closing boundary is missing")
        if not self._names:
            raise Problem("the form holds no file")
        if _ARCHIVE in self._names and len(self._names) > 1:
            raise Problem("send one ZIP, or files, not both")

    def close(self) -> None:
        self._close_part()

    def _begin(self) -> None:
        self._part = _Part()
        if len(self._names) >= _FILES:
            raise TooLarge(f"an inventory has {_FILES} files at most")

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._part.name += data[start:end]
        self._short(self._part.name)

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]
        self._short(self._part.value)

    def _header(self) -> None:
        if self._part.name.lower() == b"content-disposition":
            self._part.disposition = bytes(self._part.value)
        self._part.name.clear()
        self._part.value.clear()

    def _open(self) -> None:
        _, options = parse_options_header(self._part.disposition)
        given = options.get(b"filename")
        if given is None:
            raise Problem(
                "the form has a field that is no file; the name belongs into the address, as in ?name=my-inventory"
            )
        name = _text(given)
        if name.lower().endswith(".zip"):
            name = _ARCHIVE
        else:
            _check_name(name)
        if _same(name) in self._names:
            raise Problem(f"the file {name[:80]!r} comes twice")
        self._names.add(_same(name))
        self._part.file = _create(self._folder, name)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part.file is not None:
            with storage_errors(self._folder):
                self._part.file.write(data[start:end])

    def _close_part(self) -> None:
        if self._part.file is not None:
            self._part.file.close()
            self._part.file = None

    def _end(self) -> None:
        self._ended = True

    def _short(self, text: bytearray) -> None:
        if len(text) > _HEADER:
            raise Problem("a header of the form is too long")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def _same(name: str) -> str:
    """What names have in common that some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _check_name(name: str) -> None:
    path = check_name_of_file(name)
    if path.suffix.lower() not in ENDINGS:
        raise ReadError(f"{name[:80]!r}: files of this ending are not taken; there may be {', '.join(sorted(ENDINGS))}")


def _create(folder: Path, name: str) -> BinaryIO:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidDescription(f"{name[:80]!r} leads out of the inventory")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")


# -- what came -----------------------------------------------------------------------------------------------------------


def _accept(folder: Path, unpacked: int) -> None:
    """Unpack what is packed, and look at every file and at the description."""
    archive = folder / _ARCHIVE
    if archive.exists():
        _unpack(archive, folder, unpacked)
        archive.unlink()
    description = folder / DESCRIPTION
    if not description.is_file():
        raise InvalidDescription(
            f"the upload has no {DESCRIPTION} at its top; `cozone init` drafts one from your files"
        )
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != ".lock"):
        check_content(path, path.relative_to(folder).as_posix(), unpacked=unpacked)
    missing = missing_files(trusted_description(description), folder)
    if missing:
        raise InvalidDescription(f"{DESCRIPTION} names files that did not come: {', '.join(missing[:20])}")


def _unpack(archive: Path, folder: Path, limit: int) -> None:
    try:
        _check_directory(archive)
        for encoding in ("utf-8", "gb18030"):
            try:
                book = zipfile.ZipFile(archive, metadata_encoding=encoding)
                break
            except UnicodeDecodeError:
                continue
        else:
            raise Problem("the names in the ZIP are neither UTF-8 nor GB18030", status=422)
        with book:
            _unpack_all(book, folder, limit)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error) as error:
        if isinstance(error, GisError):
            raise
        raise Problem(f"the ZIP cannot be read: {error}", status=422) from error


def _check_directory(archive: Path) -> None:
    """Refuse a directory that is large before it is read: it would be held in memory whole."""
    size = archive.stat().st_size
    with archive.open("rb") as stream:
        stream.seek(max(size - _END - 20, 0))
        tail = stream.read()
    end = tail[-_END:]
    if end[:4] != _END_MARK or end[20:22] != b"\0\0" or tail[:-_END].startswith(_LARGE_MARK):
        raise Problem("not a ZIP, cut off, with a comment, or of more than 4 GB; pack it anew", status=422)
    entries, length = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if entries > 2 * _FILES or length > _DIRECTORY_BYTES:
        raise TooLarge(f"the ZIP lists {entries:,} files; an inventory has {_FILES} at most")


def _unpack_all(book: zipfile.ZipFile, folder: Path, limit: int) -> None:
    entries = [e for e in book.infolist() if not e.is_dir() and not _is_junk(e.filename)]
    if len(entries) > _FILES:
        raise TooLarge(f"the ZIP holds {len(entries):,} files; an inventory has {_FILES} at most")
    top = _common_top(entries)
    counted = _Counted(limit)
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename.removeprefix(top)
        _check_entry(entry, name)
        if _same(name) in seen:
            raise Problem(f"the ZIP holds {name[:80]!r} twice", status=422)
        seen.add(_same(name))
        with book.open(entry) as packed, _create(folder, name) as target:
            while block := packed.read(_BLOCK):
                _add_unpacked(counted, len(block))
                with storage_errors(folder):
                    target.write(block)


def _add_unpacked(counted: _Counted, count: int) -> None:
    try:
        counted.add(count)
    except TooLarge as error:
        raise TooLarge(f"the ZIP unpacks to more than {counted.limit:,} bytes") from error


def _check_entry(entry: zipfile.ZipInfo, name: str) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise Problem(f"{name[:80]!r} is a link or special file; an inventory holds plain files", status=422)
    if entry.flag_bits & 1:
        raise Problem(f"{name[:80]!r} is encrypted; pack it without a password", status=422)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Problem(f"{name[:80]!r} is packed in a way that is not read here; use deflate", status=422)
    if "\0" in entry.orig_filename:
        raise Problem("a name in the ZIP holds a zero byte", status=422)
    _check_name(name)


def _is_junk(name: str) -> bool:
    return name.startswith(_JUNK[0]) or name.rsplit("/", 1)[-1] in _JUNK[1:]


def _common_top(entries: list[zipfile.ZipInfo]) -> str:
    """The one folder that all lies in, as archives of a folder have it."""
    tops = {e.filename.partition("/")[0] + "/" for e in entries}
    top = next(iter(tops)) if len(tops) == 1 else ""
    return top if any(e.filename == f"{top}{DESCRIPTION}" for e in entries) else ""
