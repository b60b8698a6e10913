"""Collections: what a published result offers as features, by id ``{result}.{kind}``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gis.grid import Grid
from service.features.crs import Crs
from service.features.fields import Field, field_named
from service.features.rows import Rows

__all__ = ["Collection", "Kind"]

Bounds = tuple[float, float, float, float]


class Kind(StrEnum):
    """What a collection holds."""

    SOURCES = "sources"
    CELLS = "cells"
    HOTSPOTS = "hotspots"
    UNITS = "units"
    CONFLICTS = "conflicts"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Collection:
    """A collection: what it is called, what its features have, where they lie, and what reads them (``rows``, opened when it is asked for).

    ``number`` is that of all features, known since it was published; ``bounds`` are west, south, east and north in
    CRS84, None where there is no feature; ``years`` the first and the last one its features speak of.
    """

    id: str
    result_id: str
    kind: Kind
    title_zh: str
    title_en: str
    description_zh: str
    description_en: str
    geometry_type: str  # as GeoJSON calls it; "Geometry" where there are several
    id_field: str  # empty where ids are made of several
    fields: tuple[Field, ...]
    grid: Grid
    crs: tuple[Crs, ...]
    storage_crs: Crs
    bounds: Bounds | None
    years: tuple[int, int]
    number: int
    created: datetime
    needs_facilities: bool
    open: Callable[[], Rows]

    @property
    def rows(self) -> Rows:
        """What its features are read from."""
        return self.open()

    def field(self, name: str, *, where: str = "filter") -> Field:
        """The field of a name; InvalidParameter that offers the near ones."""
        return field_named(self.fields, name, where)

    def schema(self) -> dict[str, object]:
        """The document of ``/schema`` (part 5), without ``$id``."""
        properties: dict[str, object] = {f.name: f.schema() for f in self.fields}
        if self.id_field:
            properties[self.id_field] = {**self.field(self.id_field).schema(), "x-ogc-role": "id"}
        return self._document({**properties, "geometry": self._geometry()})

    def queryables(self) -> dict[str, object]:
        """The document of ``/queryables`` (part 3), without ``$id``."""
        properties: dict[str, object] = {f.name: f.schema() for f in self.fields}
        return self._document({**properties, "geometry": self._geometry()}) | {"additionalProperties": False}

    def sortables(self) -> dict[str, object]:
        """The document of ``/sortables`` (part 5), without ``$id``."""
        return self._document({f.name: f.schema() for f in self.fields})

    def _geometry(self) -> dict[str, object]:
        kind = "any" if self.geometry_type == "Geometry" else self.geometry_type.lower()
        return {"title": "geometry · 几何", "x-ogc-role": "primary-geometry", "format": f"geometry-{kind}"}

    def _document(self, properties: dict[str, object]) -> dict[str, object]:
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "title": f"{self.title_en} · {self.title_zh}",
            "properties": properties,
        }
