"""Trust: what an inventory of strangers may make this machine open: files of its own folder, and nothing that they point to.

Libraries follow what files say: a virtual raster opens other files, a GeoJSON may name its CRS by an address, a database may hold
views that call functions, an HDF5 file may keep its values in another file. All of it is refused before a library sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from gis.errors import InvalidDescription, ReadError
from gis.inventory.description import Description, Kind, read_description
from gis.inventory.readers.files import matching
from gis.inventory.readers.gridded.raster import NETCDF_ENDINGS

__all__ = ["DESCRIPTION", "check_crs", "check_folder", "check_name_of_file", "missing_files", "trusted_description"]

DESCRIPTION = "inventory.toml"
# A code, a URN, or the address form of a code: what names a CRS without describing one.
_CODE = re.compile(
    r"(?i)(EPSG|ESRI|OGC|IAU_2015):[A-Za-z0-9]{1,12}|urn:ogc:def:crs:[\w.:+-]{1,60}|https?://www\.opengis\.net/def/crs/[\w./-]{1,60}"
)
# In a description of a CRS: what makes PROJ read a file or an address.
_READS = re.compile(
    r"(?i)(nadgrids|geoidgrids|vgridshift|hgridshift|xyzgridshift|deformation|[+\s]init|\bgrids|\bfile|\bcatalog)\s*=|://|/vsi|@"
)
_RASTERS = (".tif", ".tiff")
_GRIDDED = (*NETCDF_ENDINGS, *_RASTERS, ".asc", ".txt")
_BY_FORMAT = {"netcdf": NETCDF_ENDINGS, "ioapi": NETCDF_ENDINGS, "geotiff": _RASTERS}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_STRANGE = ("\\", ":")
_NAME_CHARS = 120
_DEPTH = 3
_CRS_CHARS = 4_000


def trusted_description(path: Path) -> Description:
    """The description of an inventory's folder, all of whose files lie in that folder."""
    try:
        description = read_description(path)
    except InvalidDescription as error:
        raise InvalidDescription(str(error).replace(str(path), path.name)) from error
    faults = [*_strange_files(description), *_strange_formats(description), *_strange_crs(description)]
    faults += sorted(
        {
            f"{text[:60]!r} holds a character that no text has"
            for text in _texts(description.model_dump())
            if _CONTROL.search(text)
        }
    )
    if faults:
        raise InvalidDescription(f"{path.name}: {len(faults)} fault(s):\n" + "\n".join(f"  {f}" for f in faults))
    return description


def check_folder(folder: Path) -> None:
    """Raise InvalidDescription for a link or a special file below a folder: it might lead out of it."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise InvalidDescription(
                f"{path.relative_to(folder).as_posix()}: a link or special file; an inventory holds plain files"
            )


def check_name_of_file(name: str) -> PurePosixPath:
    """The name of a file in an inventory's folder, safe to be joined to it."""
    path = PurePosixPath(name)
    strange = not name.isprintable() or len(name) > _NAME_CHARS or any(sign in name for sign in _STRANGE)
    if strange or len(path.parts) > _DEPTH or any(_is_odd(part) for part in name.split("/")):
        raise InvalidDescription(
            f"{name[:80]!r} is no name for a file here: up to {_DEPTH} parts between slashes, {_NAME_CHARS} characters, none of "
            "the parts empty or beginning with a dot, no backslash and no colon"
        )
    return path


def _is_odd(part: str) -> bool:
    """Whether a part of a name is none, hidden, leads upward, or would be another name on some system."""
    return part.startswith((".", "~", "-")) or not part or part.endswith((" ", "."))


def check_crs(text: str, what: str) -> None:
    """Raise InvalidDescription for a CRS that would make PROJ read a file or an address."""
    if _CODE.fullmatch(text.strip()):
        return
    if len(text) > _CRS_CHARS or _READS.search(text) or "/" in text.split('"')[0] or "\\" in text:
        raise InvalidDescription(
            f"{what}: crs {text[:60]!r} is not taken here; give a code such as EPSG:4490, or a plain definition"
        )


def _strange_files(description: Description) -> Iterator[str]:
    for what, name in _files(description):
        try:
            check_name_of_file(name)
        except InvalidDescription as error:
            yield f"{what}: {error}"


def _files(description: Description) -> Iterator[tuple[str, str]]:
    """Every file or pattern that a description names, with the place where it does."""
    for part in description.parts:
        what = f"part {part.name[:60]!r}"
        yield from ((what, name) for name in ([part.file] if isinstance(part.file, str) else part.file))
        if part.geometry is not None:
            yield f"{what}, geometry", part.geometry.file
        yield from ((f"{what}, fields", f.file) for f in part.fields)
    yield from ((f"surrogate {s.name[:60]!r}", s.file) for s in description.surrogates if s.file is not None)
    yield from ((f"region {r.role}", r.file) for r in description.regions if r.file is not None)


def _strange_formats(description: Description) -> Iterator[str]:
    """Gridded files whose ending does not say what opens them: a raster library tries all it knows on such."""
    for part in description.parts:
        if part.kind is Kind.GRIDDED:
            known = _GRIDDED if part.format is None else _BY_FORMAT.get(part.format, _GRIDDED)
            files = [*([part.file] if isinstance(part.file, str) else part.file), *(f.file for f in part.fields)]
            yield from _strange_endings(f"part {part.name[:60]!r}", files, known)
    rasters = [s for s in description.surrogates if s.kind == "raster" and s.file is not None]
    for surrogate in rasters:
        yield from _strange_endings(f"surrogate {surrogate.name[:60]!r}", [str(surrogate.file)], _GRIDDED)


def _strange_endings(what: str, files: list[str], known: tuple[str, ...]) -> Iterator[str]:
    for name in files:
        if not name.lower().endswith(known):
            yield f"{what}: {name[:80]!r} has to end in one of {', '.join(known)} here"


def _texts(node: Any) -> Iterator[str]:
    """All texts of a description; they end up in pages and documents."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _texts(value)


def _strange_crs(description: Description) -> Iterator[str]:
    named = [(f"part {p.name[:60]!r}", p.crs) for p in description.parts]
    named += [(f"part {p.name[:60]!r}, geometry", p.geometry.crs) for p in description.parts if p.geometry]
    named += [(f"surrogate {s.name[:60]!r}", s.crs) for s in description.surrogates]
    named += [(f"region {r.role}", r.crs) for r in description.regions]
    for what, crs in named:
        try:
            check_crs(crs or "EPSG:4490", what)
        except InvalidDescription as error:
            yield str(error)


def missing_files(description: Description, folder: Path) -> list[str]:
    """Names of a description that stand for no file of the folder."""
    missing = []
    for _, name in _files(description):
        try:
            matching(folder, name)
        except ReadError:
            missing.append(name)
    return missing
