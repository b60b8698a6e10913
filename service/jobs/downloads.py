"""Downloads: the files that jobs make, each whole under its name or not there."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gis.exports.source import Selection
from gis.views.archive import ArchiveOptions, archive
from gis.views.views import Views
from gis.workspace import Run, StoredComparison, StoredZoning
from gis.workspace.export import Format, export_run
from gis.workspace.export_zoning import ZoningFormat, export_zoning
from gis.workspace.objects import storage_errors
from service.jobs.inputs import ExportInputs

__all__ = ["MEDIA_TYPES", "archived", "described", "exported", "fresh"]

MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".fgb": "application/flatgeobuf",
    ".geojson": "application/geo+json",
    ".gpkg": "application/geopackage+sqlite3",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".nc": "application/netcdf",
    ".parquet": "application/vnd.apache.parquet",
    ".pmtiles": "application/vnd.pmtiles",
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".zip": "application/zip",
}
_ENDINGS = {
    "cog": ".tif", "geoparquet": ".parquet", "gpkg": ".gpkg", "flatgeobuf": ".fgb", "netcdf": ".nc", "csv": ".csv", "geojson": ".geojson",
}  # fmt: skip
# Compressed already.
_PACKED = (".tif", ".parquet", ".nc")
Result = Run | StoredZoning | StoredComparison
Progress = Callable[[str, int, int], None]
_EPOCH = (1980, 1, 1, 0, 0, 0)


@contextmanager
def fresh(folder: Path) -> Iterator[Path]:
    """A folder to write into; what is there in the end gets the name at once."""
    # Named after the process: one that was told to end may not have yet.
    aside = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    with storage_errors(folder):
        aside.mkdir(parents=True)
        try:
            yield aside
            for path in aside.iterdir():
                _sync(path)
            shutil.rmtree(folder, ignore_errors=True)
            os.rename(aside, folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def described(path: Path) -> dict[str, Any]:
    """A file as a job's result has it."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"name": path.name, "type": MEDIA_TYPES[path.suffix], "length": path.stat().st_size, "sha256": digest}


def exported(result: Result, inputs: ExportInputs, folder: Path) -> Path:
    """The file that a result was exported to; several files are one ZIP, the same bytes every time."""
    options, layer = inputs.options, inputs.options.layer
    stem = f"{result.id}-{layer}" if layer else result.id
    one = (
        layer is not None
        or inputs.format == "gpkg"
        or (isinstance(result, Run) and inputs.format not in ("cog", "smoke"))
    )
    with fresh(folder) as aside:
        target = aside / (f"{stem}{_ENDINGS[inputs.format]}" if one else f"{stem}-{inputs.format}")
        if isinstance(result, Run):
            selection = Selection(years=options.years, species=options.species, by_sector=options.by_sector)
            written = export_run(result, Format(inputs.format), target, selection)
        else:
            written = export_zoning(result, ZoningFormat(inputs.format), target, layer=layer, wkt=options.wkt)
        if not one:
            _pack(written, target, aside / f"{target.name}.zip")
            shutil.rmtree(target)
        name = target.name if one else f"{target.name}.zip"
    return folder / name


def archived(views: Views, result: Result, run: Run, inputs: ExportInputs, folder: Path, *, progress: Progress) -> Path:
    """The PMTiles file of a layer."""
    options, layer = inputs.options, str(inputs.options.layer)
    name = f"{result.id}-{layer.replace(':', '-')}.pmtiles"
    # Whoever may start a job, or fetch its file, may see facilities.
    asked = ArchiveOptions(minzoom=options.minzoom, maxzoom=options.maxzoom, facilities=True)
    with fresh(folder) as aside:
        archive(views, result, run, layer, aside / name, asked, progress=progress)
    return folder / name


def _pack(files: Iterable[Path], base: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "x") as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path.relative_to(base).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if path.suffix in _PACKED else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as packed:
                shutil.copyfileobj(source, packed, 1 << 20)


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
