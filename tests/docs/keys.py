"""The tables of keys in docs/guide.md, from the models of the description file and of a zoning's parameters.

Run as a module, it writes them there.
"""

from __future__ import annotations

import types
from enum import EnumType
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gis.inventory import description
from gis.inventory.description import Description
from gis.zoning import parameters
from gis.zoning.parameters import Parameters
from service.settings import Settings

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"
KEYS = ("<!-- keys: made by python -m tests.docs.keys -->", "<!-- end of keys -->")
ZONING_KEYS = ("<!-- zoning keys: made by python -m tests.docs.keys -->", "<!-- end of zoning keys -->")

SETTINGS = ("<!-- settings: made by python -m tests.docs.keys -->", "<!-- end of settings -->")

# The file itself, then every table in the order in which the file names it.
MODELS: tuple[type[BaseModel], ...] = (
    Description, description.DeclaredSpecies, description.DeclaredSector, description.Surrogate, description.Region,
    description.Part, description.Columns, description.AmountColumn, description.LongAmounts, description.Select,
    description.GeometryJoin, description.FieldFile, description.Replaces,
)  # fmt: skip
# A zoning's parameters: the file itself, then its tables.
ZONING_MODELS: tuple[type[BaseModel], ...] = (
    Parameters, parameters.Hot, parameters.Evidence, parameters.Membership, parameters.ErrorSizes, parameters.Overlap,
    parameters.Delineation, parameters.Snapping, parameters.Score, parameters.Access, parameters.Apeq,
)  # fmt: skip


def key_tables(models: tuple[type[BaseModel], ...]) -> str:
    """The tables as Markdown."""
    return "\n\n".join(_table(model) for model in models)


def _table(model: type[BaseModel]) -> str:
    title = (model.__doc__ or "").strip().splitlines()[0].replace("``", "`")
    rows = [
        f"| `{name}` | {_kind(f.annotation)} | {_default(f)} | {_cell(f.description)} |"
        for name, f in model.model_fields.items()
        if not _is_table(f)  # it has a table of its own
    ]
    return "\n".join([f"**{title}**", "", "| key | value | without it | meaning |", "|---|---|---|---|", *rows])


def _is_table(field: FieldInfo) -> bool:
    kinds = get_args(field.annotation) or (field.annotation,)
    return any(isinstance(k, type) and issubclass(k, BaseModel) for k in kinds if k is not type(None)) and (
        get_origin(field.annotation) in (None, Union, types.UnionType) and field.description is None
    )


def _kind(annotation: Any) -> str:
    """A type in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inner[0])
    if origin is Literal:
        return ", ".join(f"`{v}`" for v in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(t) for t in inner if t is not type(None))
    if origin is list or (origin is tuple and inner[1:] == (Ellipsis,)):
        one = inner[0]
        if get_origin(one) is Literal:
            return f"some of {_kind(one)}"
        return "tables" if isinstance(one, type) and issubclass(one, BaseModel) else f"list of {_kind(one)}s"
    if origin is dict:
        return "table"
    if origin is tuple:
        return f"{len(inner)} {_kind(inner[0])}s"
    if isinstance(annotation, EnumType):
        return ", ".join(f"`{v}`" for v in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.default_factory() if field.default_factory is not None else field.default  # type: ignore[call-arg]
    if value is None or value is PydanticUndefined or value in ("", [], {}, ()) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(f"`{v}`" for v in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


def with_tables(text: str) -> str:
    """A guide with the tables of today between its marks."""
    for (begin, end), models in ((KEYS, MODELS), (ZONING_KEYS, ZONING_MODELS)):
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}\n\n{key_tables(models)}\n\n{end}{after}"
    before, rest = text.split(SETTINGS[0])
    return f"{before}{SETTINGS[0]}\n\n{_settings()}\n\n{SETTINGS[1]}{rest.split(SETTINGS[1])[1]}"


def _settings() -> str:
    """The settings of the service as Markdown."""
    rows = [
        f"| `COZONE_{name.upper()}` | {_default(f)} | {_cell(f.description)} |"
        for name, f in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | without it | meaning |", "|---|---|---|", *rows])


if __name__ == "__main__":
    GUIDE.write_text(with_tables(GUIDE.read_text("utf-8")), "utf-8")
