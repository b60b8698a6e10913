"""Downloads: the files of a result that people may have, by a name, where they lie and what they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gis.errors import NotFound
from gis.views.files import key_of
from gis.views.views import Views
from gis.workspace import Run, StoredComparison, StoredZoning
from gis.workspace.export_report import export_report
from gis.workspace.export_zoning import ZoningFormat, export_zoning

__all__ = ["Download", "downloads", "file_of"]

Result = Run | StoredZoning | StoredComparison
_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_PARQUET = "application/vnd.apache.parquet"
_JSON = "application/json"
# What names facilities, or holds what each of them emits.
_NAMING = {("table", "contributors"), ("table", "access")}
_LAYERS = ("units", "hotspots", "conflicts", "cells")
_EXPORTS = {
    ".fgb": (ZoningFormat.FLATGEOBUF, "application/flatgeobuf"), ".geojson": (ZoningFormat.GEOJSON, "application/geo+json"),
    ".parquet": (ZoningFormat.GEOPARQUET, _PARQUET),
}  # fmt: skip
# What makes an export is part of its name: change the way, change the number.
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Download:
    """A file: its name, media type, size where it is known before the file is made, and whether it names facilities."""

    name: str
    media_type: str
    size: int | None
    facilities: bool
    path: Callable[[], Path]


def downloads(views: Views, result: Result, run: Run | None) -> dict[str, Download]:
    """The files of a result by name; ``run`` is the one that a zoning stands on."""
    found = _run_files(result) if isinstance(result, Run) else _product_files(result)
    if isinstance(result, StoredZoning) and run is not None:
        found += [*_exports(views, result), *_whole(views, result), *_reports(views, result, run)]
    elif isinstance(result, StoredComparison):
        found += _whole(views, result)
    return {download.name: download for download in found}


def file_of(views: Views, result: Result, run: Run | None, name: str) -> Download:
    """One of the files."""
    known = downloads(views, result, run)
    if name not in known:
        raise NotFound(f"{result.id} has no file {name[:80]!r}; /api/results/{result.id} lists them")
    return known[name]


def _run_files(run: Run) -> list[Download]:
    entry = run.entry
    found = [_stored(run, "manifest.json", entry.manifest, _JSON)]
    found += [
        _stored(run, f"{e.kind}-{e.year}-{e.species}-{e.part}.tif", e.hash, _COG)
        for e in entry.layers if e.kind in ("sector", "tier")
    ]  # fmt: skip
    found.append(_stored(run, "valid.tif", entry.members["valid", "valid"], _COG))
    for role in ("ledger", "regions"):
        found += [
            _stored(run, f"{role}-{name}.parquet", entry.members[role, name], _PARQUET) for name in run.members(role)
        ]
    # Findings quote rows of the input, and sources are the facilities themselves.
    found.append(_stored(run, "findings.parquet", entry.members["findings", "findings"], _PARQUET, facilities=True))
    for number, name in enumerate(run.members("sources")):
        found.append(
            _stored(run, f"sources-{number:03d}.parquet", entry.members["sources", name], _PARQUET, facilities=True)
        )
    return found


def _product_files(product: StoredZoning | StoredComparison) -> list[Download]:
    found = [_stored(product, "manifest.json", product.entry.manifest, _JSON)]
    for (role, name), hash_ in sorted(product.entry.members.items()):
        if role == "raster":
            found.append(_stored(product, f"{name}.tif", hash_, _COG))
        elif role == "table":
            found.append(_stored(product, f"table-{name}.parquet", hash_, _PARQUET, facilities=(role, name) in _NAMING))
        elif role == "rules":
            found.append(_stored(product, name, hash_, "application/toml"))
    return found


def _stored(result: Result, name: str, hash_: str, media_type: str, *, facilities: bool = False) -> Download:
    return Download(name, media_type, result.entry.sizes[hash_], facilities, lambda: result.object_path(hash_))


# -- what is made when it is asked for ------------------------------------------------------------------------------------


def _exports(views: Views, zoning: StoredZoning) -> list[Download]:
    """Layers one by one, as programs open them."""
    return [
        _made(views, zoning, f"{layer}{ending}", media_type, False, partial(_export, zoning, form, layer))
        for layer in _LAYERS
        for ending, (form, media_type) in _EXPORTS.items()
    ]


def _export(product: StoredZoning | StoredComparison, form: ZoningFormat, layer: str | None, path: Path) -> None:
    export_zoning(product, form, path, layer=layer)


def _whole(views: Views, product: StoredZoning | StoredComparison) -> list[Download]:
    """Everything in one GeoPackage, the contributors among it."""
    naming = isinstance(product, StoredZoning)
    name, media_type = f"{product.id}.gpkg", "application/geopackage+sqlite3"
    return [_made(views, product, name, media_type, naming, partial(_export, product, ZoningFormat.GPKG, None))]


def _reports(views: Views, zoning: StoredZoning, run: Run) -> list[Download]:
    return [
        _made(
            views, zoning, f"report-{language}.html", "text/html; charset=utf-8", True, partial(_report, zoning, run, language)
        )
        for language in ("zh", "en")
    ]  # fmt: skip


def _report(zoning: StoredZoning, run: Run, language: str, path: Path) -> None:
    export_report(zoning, run, path, language=language)


def _made(
    views: Views,
    product: StoredZoning | StoredComparison,
    name: str,
    media_type: str,
    naming: bool,
    write: Callable[[Path], object],
) -> Download:
    suffix = Path(name).suffix
    key = f"exports/{key_of(product.entry.content_hash, product.name, product.label, name, _FORMAT)}{suffix}"
    return Download(name, media_type, None, naming, lambda: views.files.opened(key, write, _there))


def _there(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(path)
    return path
