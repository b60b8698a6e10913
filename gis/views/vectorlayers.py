"""Vector layers of a result: what vector tiles can show of it, with which fields and parameters, at which zooms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache

from gis.errors import InvalidParameter, NotFound
from gis.hotspots.ranks import Mode
from gis.regions.roles import Role
from gis.species import SPECIES
from gis.tiles.cells import finest_zoom
from gis.tiles.matrices import WEB_MERCATOR_QUAD
from gis.views.layers import Parameter, ParameterType, Result, size_parameter
from gis.views.thresholds import LEAST_SHARE, MOST_SHARE, threshold_of
from gis.views.titles import PLAIN
from gis.workspace import Run, StoredComparison, StoredZoning

__all__ = [
    "Field",
    "FieldType",
    "Shape",
    "VectorLayer",
    "find_vector_layer",
    "read_vector_parameters",
    "role_of",
    "vector_layers",
]

# Points are parted by eye at this zoom, whatever the cells of the grid are.
_POINTS_ZOOM = 14


class Shape(StrEnum):
    """Geometry of the features of a layer."""

    POINT = "point"
    POLYGON = "polygon"


class FieldType(StrEnum):
    """Type of a field, as TileJSON names it."""

    TEXT = "String"
    NUMBER = "Number"
    BOOLEAN = "Boolean"


@dataclass(frozen=True, slots=True)
class Field:
    """A property of features."""

    name: str
    type: FieldType
    title_zh: str
    title_en: str
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorLayer:
    """A layer of vector tiles. Features marked ``copy`` stand in another tile as well, and are counted there."""

    id: str
    shape: Shape
    title_zh: str
    title_en: str
    fields: tuple[Field, ...]
    parameters: tuple[Parameter, ...] = ()
    minzoom: int = 0
    maxzoom: int = _POINTS_ZOOM

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields."""
        return tuple(f.name for f in self.fields)


@lru_cache(maxsize=256)
def vector_layers(result: Result, *, facilities: bool) -> tuple[VectorLayer, ...]:
    """The layers of a result; ``facilities``: those as well that tell of single facilities."""
    finest = finest_zoom(result.grid, WEB_MERCATOR_QUAD)
    if isinstance(result, StoredComparison):
        return (_changes(result.species, finest),)
    layers = [_cells(result, finest)]
    if isinstance(result, StoredZoning):
        layers += [_shape(name, *told, _amounts(result.species), finest) for name, told in _SHAPES.items()]
    layers += [_region(role) for role in _ROLES if any(entry["role"] == role for entry in result.manifest["regions"])]
    if facilities and (isinstance(result, StoredZoning) or result.parts):
        layers.append(_sources(result))
    return tuple(layers)


def find_vector_layer(result: Result, name: str) -> VectorLayer:
    """The layer of an id."""
    layers = {layer.id: layer for layer in vector_layers(result, facilities=True)}
    if name in layers:
        return layers[name]
    near = get_close_matches(name[:80], layers, n=3, cutoff=0.4)
    raise NotFound(
        f"{result.id} has no vector layer {name[:80]!r}; {'near it' if near else 'it has'}: {', '.join(near or layers)}"
    )


def read_vector_parameters(layer: VectorLayer, parameters: Mapping[str, str]) -> dict[str, int | float | str]:
    """Values of all parameters of a layer; those that are not given have their defaults, and strange ones are refused."""
    known = {p.name: p for p in layer.parameters}
    for name in parameters:
        if name not in known:
            raise InvalidParameter(
                f"layer {layer.id} has no parameter {name[:40]!r}; it has {', '.join(known) or 'none'}"
            )
    return {name: p.read(parameters.get(name, p.default)) for name, p in known.items()}


# -- fields -------------------------------------------------------------------------------------------------------------

_TEXT, _NUMBER, _BOOLEAN = FieldType.TEXT, FieldType.NUMBER, FieldType.BOOLEAN
_COPY = Field("copy", _BOOLEAN, "相邻瓦片要素的副本", "counted in another tile")
_COUNT = Field("count", _NUMBER, "合并要素数", "features drawn as one")


def _named(code: str) -> str:
    """A species as it is written, VOCs for vocs."""
    return SPECIES[code].name if code in SPECIES else code.upper()


def _amounts(species: Iterable[str]) -> tuple[Field, ...]:
    return tuple(Field(f"{s}_t", _NUMBER, f"{_named(s)} 排放量", f"{_named(s)} emissions", "t/yr") for s in species)


def _densities(species: Iterable[str]) -> tuple[Field, ...]:
    return tuple(
        Field(f"{s}_t_km2", _NUMBER, f"{_named(s)} 排放强度", f"{_named(s)} emission density", "t/(km2.yr)")
        for s in species
    )


def _cells(result: Run | StoredZoning, finest: int) -> VectorLayer:
    fields = [*_columns("cell"), *_amounts(result.species), *_densities(result.species)]
    parameters = [_year(result)]
    classed = _class_parameters(result)
    if classed:
        parameters += classed
        fields += [
            Field("class", _TEXT, "热点重叠类别（最高）", "class at the threshold, the highest below"),
            Field("hot_share", _NUMBER, "热点面积占比", "share of the area with a class"),
        ]
    if isinstance(result, StoredZoning):
        fields += [
            Field("zoned", _TEXT, "管控类别（最高）", "class of the zoning, the highest below"),
            Field("zoned_share", _NUMBER, "管控面积占比", "share of the area with a class of the zoning"),
            Field("tier", _TEXT, "证据层级", "tier"),
            Field("membership", _NUMBER, "类别稳健度（最高）", "membership of the class, the highest below"),
        ]
    return VectorLayer(
        id="cells", shape=Shape.POLYGON, title_zh="网格", title_en="cells", fields=(*fields, _COPY),
        parameters=tuple(parameters), maxzoom=finest,
    )  # fmt: skip


def _year(result: Run | StoredZoning) -> Parameter:
    years: Sequence[int] = result.years if isinstance(result, Run) else result.manifest["run"]["years"]
    default = result.years[-1] if isinstance(result, Run) else result.year
    return Parameter(
        name="year", type=ParameterType.INTEGER, title_zh="年份", title_en="year", default=str(default),
        choices=tuple(map(str, years)),
    )  # fmt: skip


def _class_parameters(result: Run | StoredZoning) -> list[Parameter]:
    """Parameters of the classes at a threshold; none where nothing could overlap."""
    try:
        hot = threshold_of(result)
    except InvalidParameter:
        return []
    return [
        Parameter(
            name="share", type=ParameterType.NUMBER, title_zh="热点份额", title_en="share that is hot", default=repr(hot.share),
            minimum=min(LEAST_SHARE, hot.share), maximum=max(MOST_SHARE, hot.share),
        ),
        Parameter(
            name="mode", type=ParameterType.STRING, title_zh="份额的基准", title_en="share of what", default=str(hot.mode),
            choices=tuple(map(str, Mode)),
        ),
        Parameter(
            name="min_pollutants", type=ParameterType.INTEGER, title_zh="最少污染物热点数",
            title_en="pollutants that have to be hot", default=str(hot.min_pollutants),
            choices=tuple(str(n + 1) for n in range(len(hot.pollutants))),
        ),
        size_parameter(),
    ]  # fmt: skip


def _shape(id_: str, zh: str, en: str, columns: Sequence[str], amounts: tuple[Field, ...], finest: int) -> VectorLayer:
    """A layer of polygons with columns of its table, amounts, and what is told of those drawn as one."""
    fields = (*_columns(*columns), *amounts, _COUNT, _COPY)
    return VectorLayer(id=id_, shape=Shape.POLYGON, title_zh=zh, title_en=en, fields=fields, maxzoom=finest)


def _columns(*names: str) -> tuple[Field, ...]:
    """Columns of published tables, titled as everywhere."""
    return tuple(Field(n, _TYPES[PLAIN[n][3]], PLAIN[n][0], PLAIN[n][1], PLAIN[n][2]) for n in names)


_TYPES = {"string": _TEXT, "integer": _NUMBER, "number": _NUMBER, "boolean": _BOOLEAN}
_SHAPES = {
    "units": ("管控单元", "control units", (
        "unit", "class", "name_zh", "name_en", "jurisdiction_zh", "jurisdiction_en", "tier", "cells", "area_km2", "membership",
        "supply_security", "conflicts", "score", "rank",
    )),
    "hotspots": ("热点斑块", "hotspots", ("patch", "class", "cells", "area_km2", "kept", "reason")),
    "conflicts": ("空间冲突", "conflicts", (
        "conflict", "kind", "region_code", "region_zh", "region_en", "class", "unit", "area_km2", "sources",
    )),
}  # fmt: skip


_REGION = "region-"
# Those that a map shows; the buffer around a domain is no place.
_ROLES = {
    Role.DOMAIN: ("区域范围", "domain"), Role.COUNTY: ("县级行政区", "counties"), Role.TOWNSHIP: ("乡镇", "townships"),
    Role.PARK: ("产业园区", "industrial parks"), Role.RED_LINE: ("生态保护红线", "ecological red lines"),
    Role.PRIORITY: ("优先保护单元", "priority protection units"),
}  # fmt: skip


def _region(role: Role) -> VectorLayer:
    fields = (Field("code", _TEXT, "代码", "code"), *_columns("name_zh", "name_en"), _COUNT, _COPY)
    zh, en = _ROLES[role]
    return VectorLayer(id=f"{_REGION}{role}", shape=Shape.POLYGON, title_zh=zh, title_en=en, fields=fields)


def role_of(layer: VectorLayer) -> Role | None:
    """The role whose regions a layer shows, if it shows any."""
    return Role(layer.id.removeprefix(_REGION)) if layer.id.startswith(_REGION) else None


def _sources(result: Run | StoredZoning) -> VectorLayer:
    fields = (
        Field("source", _TEXT, "排放源", "source"), *_columns("kind", "part", "source_id", "name_zh", "name_en", "industry", "sectors"),
        *_amounts(result.species), _COUNT,
    )  # fmt: skip
    return VectorLayer(
        id="sources",
        shape=Shape.POINT,
        title_zh="排放源",
        title_en="sources",
        fields=fields,
        parameters=(_year(result),),
    )


def _changes(species: tuple[str, ...], finest: int) -> VectorLayer:
    both = [
        Field(f"{s}_{side}_t", _NUMBER, f"{_named(s)} 排放量（{zh}）", f"{_named(s)} emissions, {en}", "t/yr")
        for s in species
        for side, zh, en in (("a", "前期", "earlier"), ("b", "后期", "later"))
    ]
    fields = (
        *_columns("cell"), Field("change", _TEXT, "变化（面积最大者）", "change of the largest area"),
        Field("a_class", _TEXT, "前期类别", "earlier class"), Field("b_class", _TEXT, "后期类别", "later class"),
        Field("a_unit", _TEXT, "前期单元", "earlier unit"), Field("b_unit", _TEXT, "后期单元", "later unit"),
        Field("entered_km2", _NUMBER, "新增面积", "area that entered", "km2"),
        Field("left_km2", _NUMBER, "退出面积", "area that left", "km2"),
        Field("changed_km2", _NUMBER, "类别变化面积", "area whose class changed", "km2"), *both, _COPY,
    )  # fmt: skip
    return VectorLayer(
        id="changes",
        shape=Shape.POLYGON,
        title_zh="类别变化",
        title_en="changes of class",
        fields=fields,
        maxzoom=finest,
    )
