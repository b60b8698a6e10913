"""Which files a description names, and proof of what was read: every file with its size and SHA-256."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from glob import has_magic
from pathlib import Path

from gis.errors import ReadError
from gis.inventory.model import InputFile

__all__ = ["InputFiles", "matching"]

_BLOCK = 1 << 20
# Beside a Shapefile: what it cannot be read without comes first.
SHAPEFILE_PARTS = (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".shp.xml")


@dataclass(slots=True)
class InputFiles:
    """The files read so far, each once, named as the description names them."""

    base: Path
    found: dict[Path, InputFile] = field(default_factory=dict)

    def name(self, path: Path) -> str:
        """A path as the description would write it: relative to the description, with forward slashes."""
        try:
            return path.relative_to(self.base).as_posix()
        except ValueError:
            return path.as_posix()

    def read(self, path: Path) -> bytes:
        """The bytes of a file, and the record that they were read."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ReadError(f"{self.name(path)}: cannot be read: {error.strerror or error}") from error
        self._record(path, len(data), hashlib.sha256(data).hexdigest())
        return data

    def record(self, path: Path) -> None:
        """The record that a file is read by a library; of a Shapefile, all files beside it."""
        for each in (path, *companions(path)):
            if each in self.found:
                continue
            digest, size = hashlib.sha256(), 0
            try:
                with each.open("rb") as stream:
                    while block := stream.read(_BLOCK):
                        digest.update(block)
                        size += len(block)
            except OSError as error:
                raise ReadError(f"{self.name(each)}: cannot be read: {error.strerror or error}") from error
            self._record(each, size, digest.hexdigest())

    def _record(self, path: Path, size: int, sha256: str) -> None:
        self.found.setdefault(path, InputFile(self.name(path), path, size, sha256))

    @property
    def inputs(self) -> tuple[InputFile, ...]:
        """All files read, by name."""
        return tuple(sorted(self.found.values(), key=lambda f: f.name))


def companions(path: Path) -> tuple[Path, ...]:
    """The files that belong to a Shapefile, in either case of their endings; none for other files."""
    if path.suffix.lower() != ".shp":
        return ()
    beside = {p.name.lower(): p for p in sorted(path.parent.iterdir()) if p.stem.lower().startswith(path.stem.lower())}
    wanted = (f"{path.stem}{ending}".lower() for ending in SHAPEFILE_PARTS)
    return tuple(beside[name] for name in wanted if name in beside)


def matching(base: Path, patterns: list[str] | str) -> list[Path]:
    """The files that names and patterns with ``*`` stand for, each once; an error where one stands for none."""
    paths: dict[Path, None] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        whole = base / pattern
        if whole.exists() or not has_magic(pattern):
            hits = [whole]
        else:
            # An absolute pattern is matched from its root; `base / absolute` is the absolute path.
            root = Path(whole.anchor) if Path(pattern).is_absolute() else base
            hits = sorted(p for p in root.glob(str(Path(pattern).relative_to(Path(pattern).anchor))) if p.is_file())
        if not hits:
            raise ReadError(f"no file matches {pattern!r} beside the description in {base}")
        for hit in hits:
            if not hit.is_file():
                raise ReadError(f"{pattern}: no such file in {base}; paths are relative to the description")
            paths[hit] = None
    return list(paths)
