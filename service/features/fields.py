"""Fields of collections: type, unit, titles in both languages and, where there are few, the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

import pyarrow as pa

from gis.errors import InvalidParameter
from gis.views.titles import OF_SPECIES, PLAIN

__all__ = ["Field", "FieldType", "field_named", "fields_of", "type_of", "type_of_title"]


class FieldType(StrEnum):
    """Types as JSON Schema calls them."""

    TEXT = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Field:
    """A property of features. ``values`` are all that occur where they are few, else empty."""

    name: str
    type: FieldType
    title_zh: str
    title_en: str
    unit: str = ""
    values: tuple[str, ...] = ()

    def schema(self) -> dict[str, object]:
        """JSON Schema of the field (OGC API Features part 3 and 5)."""
        out: dict[str, object] = {"type": str(self.type), "title": f"{self.title_en} · {self.title_zh}"}
        if self.unit:
            out["x-ogc-unit"] = self.unit
        if self.values:
            out["enum"] = list(self.values)
        return out


def field_named(fields: Sequence[Field], name: str, where: str) -> Field:
    """The field of a name; an error that offers the near ones."""
    for field in fields:
        if field.name == name:
            return field
    near = get_close_matches(name, [f.name for f in fields], n=4, cutoff=0.5)
    hint = f"; near: {', '.join(near)}" if near else f"; there is {', '.join(f.name for f in fields[:40])}"
    raise InvalidParameter(f"{where}: no property {name[:60]!r}{hint}")


def type_of(kind: pa.DataType) -> FieldType:
    """The type of an Arrow column."""
    if pa.types.is_dictionary(kind):
        return type_of(kind.value_type)
    if pa.types.is_boolean(kind):
        return FieldType.BOOLEAN
    if pa.types.is_integer(kind):
        return FieldType.INTEGER
    return FieldType.NUMBER if pa.types.is_floating(kind) else FieldType.TEXT


def type_of_title(name: str) -> FieldType:
    """The type of a column that no file says anything about yet."""
    return FieldType(PLAIN[name][3]) if name in PLAIN else FieldType.NUMBER


def fields_of(
    columns: Mapping[str, FieldType], species: Mapping[str, tuple[str, str]], values: Mapping[str, tuple[str, ...]]
) -> tuple[Field, ...]:
    """Fields of columns; ``species`` are Chinese and English names by code, ``values`` those of fields that have few."""
    return tuple(_field(name, kind, species, values) for name, kind in columns.items())


def _field(
    name: str, kind: FieldType, species: Mapping[str, tuple[str, str]], values: Mapping[str, tuple[str, ...]]
) -> Field:
    if name in PLAIN:
        zh, en, unit, _ = PLAIN[name]
        return Field(name, kind, zh, en, unit, values.get(name, ()))
    code = max((c for c in species if name.startswith(f"{c}_")), key=len, default="")
    rest = name.removeprefix(f"{code}_")
    if code and rest in OF_SPECIES:
        zh, en, unit = OF_SPECIES[rest]
        return Field(name, kind, species[code][0] + zh, f"{species[code][1]}: {en}", unit, values.get(rest, ()))
    year, _, last = rest.rpartition("_")
    if code and year.isdigit() and last == "t":
        zh, en = species[code]
        return Field(name, kind, f"{zh}{year}年排放量", f"{en}: emissions of {year}", "t/yr")
    raise InvalidParameter(f"column {name} has no title; give it one in service/features/titles.py")
