"""Files of units: what a list of units shows, whole, for spreadsheets and for GIS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from gis.views.tables import open_table
from gis.workspace import StoredZoning
from gis.zoning.reviews import halves
from service.features.crs import Crs
from service.features.formats import DOWNLOADS, Stream, format_named, write
from service.library import Library
from service.routes.answers.units import units_at, units_in_order

__all__ = ["Made", "TableForm", "units_file"]

_BOM = b"\xef\xbb\xbf"
_FORMULA = r"^[=+\-@\t\r]"
_GRID_BOX = ("grid_west", "grid_south", "grid_east", "grid_north")
_BOX = ("west", "south", "east", "north")


class TableForm(StrEnum):
    """What a list of units comes as."""

    CSV = "csv"
    GPKG = "gpkg"

    @property
    def media_type(self) -> str:
        """Its media type."""
        return "text/csv; charset=utf-8" if self is TableForm.CSV else "application/geopackage+sqlite3"


@dataclass(frozen=True, slots=True)
class Made:
    """A file in a directory of its own, which whoever sends it cleans up."""

    path: Path
    name: str
    media_type: str
    directory: TemporaryDirectory[str]


def units_file(
    library: Library,
    which: str,
    form: TableForm,
    *,
    search: str | None,
    exactly: dict[str, str | bool | None],
    sort: str,
) -> Made:
    """The file of all units that have a text in their code or names, and these values, in an order."""
    zoning = library.zoning(which)
    stored = open_table(library.views.directory, zoning, "units")
    left_out = (*_GRID_BOX, "geometry_84", *(("geometry",) if form is TableForm.CSV else _BOX))
    names = [n for n in stored.schema.names if n not in left_out]
    at = units_at(stored, search=search, exactly=exactly, sort=sort)
    table = _told_apart(units_in_order(stored, at, names))
    directory = TemporaryDirectory(prefix="cozone-units-")
    made = Made(Path(directory.name) / f"units.{form}", f"{zoning.id}.units.{form}", form.media_type, directory)
    try:
        if form is TableForm.CSV:
            _write_csv(table, made.path)
        else:
            _write_gpkg(table, zoning, made.path)
    except BaseException:
        directory.cleanup()
        raise
    return made


def _told_apart(table: pa.Table) -> pa.Table:
    """The table without dictionaries, what is no number missing, its reviews in one language a column."""
    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(i, field.name, table[i].cast(pa.string()))
        elif pa.types.is_floating(field.type):
            table = table.set_column(i, field.name, pc.if_else(pc.is_nan(table[i]), None, table[i]))
    at = table.schema.get_field_index("review")
    both = [halves(text) for text in table["review"].to_pylist()]
    for k, name in enumerate(("review_zh", "review_en")):
        table = table.add_column(at + k, name, pa.array([pair[k] for pair in both], pa.string()))
    return table.drop_columns(["review"])


def _write_csv(table: pa.Table, path: Path) -> None:
    """UTF-8 with the mark that spreadsheets need; a text that they would take for a formula has an apostrophe before it."""
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = table[i]
            risky = pc.match_substring_regex(column, _FORMULA)
            table = table.set_column(
                i, field.name, pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)
            )
    with path.open("wb") as file:
        file.write(_BOM)
        csv.write_csv(table, file)


def _write_gpkg(table: pa.Table, zoning: StoredZoning, path: Path) -> None:
    """In the CRS of the grid, as every other download."""
    geometry = table.schema.get_field_index("geometry")
    shapes = table["geometry"].cast(pa.binary())
    table = table.remove_column(geometry).append_column("geometry", shapes)
    stream = Stream(
        "units", zoning.created, table.schema, iter(table.to_batches()), Crs("", zoning.grid.crs, False), "MultiPolygon"
    )
    write(stream, format_named("gpkg", DOWNLOADS), path)
