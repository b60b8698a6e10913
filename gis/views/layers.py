"""Raster layers of a result: what can be shown of it, with which parameters, in which styles."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from typing import Any

from gis.errors import InvalidParameter, NotFound
from gis.hotspots.ranks import Mode
from gis.tiles.scales import number
from gis.tiles.styles import StyleKind
from gis.views.styles import styles_for
from gis.views.thresholds import LEAST_SHARE, MOST_CELLS, MOST_SHARE, defaults_of, threshold_of
from gis.workspace import Run, StoredComparison, StoredZoning

__all__ = [
    "MODE_NAMES",
    "Kind",
    "Parameter",
    "ParameterType",
    "RasterLayer",
    "Result",
    "find_layer",
    "raster_layers",
    "read_parameters",
    "size_parameter",
]

Result = Run | StoredZoning | StoredComparison
Value = int | float | str
_DENSITY = "t/km²/yr"
# As many digits as a share or a year can need: longer texts only make more names for the same thing.
_NUMBER = re.compile(r"(?:\d{1,6}(?:\.\d{0,8})?|\.\d{1,8})", re.ASCII)
MODE_NAMES = {
    Mode.AREA: ("面积", "area"),
    Mode.COUNT: ("网格数", "cells"),
    Mode.MASS: ("排放量", "mass"),
}


class Kind(StrEnum):
    """What a layer shows."""

    DENSITY = "density"
    RANK = "rank"
    HOT = "hot"
    CLASS = "class"
    CHANGE = "change"
    ZONED = "zoned"
    TIER = "tier"
    MEMBERSHIP = "membership"
    CHANGES = "changes"


_STYLES = {
    Kind.DENSITY: StyleKind.SEQUENTIAL, Kind.RANK: StyleKind.SEQUENTIAL, Kind.MEMBERSHIP: StyleKind.SEQUENTIAL,
    Kind.HOT: StyleKind.HOT, Kind.CLASS: StyleKind.CLASSES, Kind.ZONED: StyleKind.CLASSES, Kind.TIER: StyleKind.TIERS,
    Kind.CHANGE: StyleKind.DIVERGING, Kind.CHANGES: StyleKind.CHANGES,
}  # fmt: skip


class ParameterType(StrEnum):
    """What the text of a parameter is read as."""

    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a layer: a choice of texts or whole numbers, or a number of a range, whole or not. ``default`` is text as well."""

    name: str
    type: ParameterType
    title_zh: str
    title_en: str
    default: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def read(self, text: str) -> Value:
        """The value that a text means; an error says what is allowed."""
        if self.type is ParameterType.STRING:
            if text in self.choices:
                return text
        elif _NUMBER.fullmatch(text):
            value = float(text)
            whole = self.type is ParameterType.INTEGER
            if (value.is_integer() or not whole) and self._holds(value):
                return int(value) if whole else value
        raise InvalidParameter(f"{self.name} is {text[:40]!r}; {self.allowed} is expected")

    def _holds(self, value: float) -> bool:
        """Whether a number is one of the choices, or of the range."""
        if self.choices:
            return value.is_integer() and str(int(value)) in self.choices
        return self.minimum is not None and self.maximum is not None and self.minimum <= value <= self.maximum

    def canonical(self, text: str) -> str:
        """The one text of a value: 0.03 for 0.030."""
        value = self.read(text)
        return repr(value) if isinstance(value, float) else str(value)

    @property
    def allowed(self) -> str:
        """What a value may be, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        kind = "whole number" if self.type is ParameterType.INTEGER else "number"
        return f"a {kind} from {number(self.minimum or 0.0)} to {number(self.maximum or 0.0)}"

    def schema(self) -> dict[str, Any]:
        """The parameter as JSON schema."""
        default = self.read(self.default)
        found: dict[str, Any] = {"type": str(self.type), "default": default}
        if self.choices:
            return found | {"enum": [self.read(c) for c in self.choices]}
        return found | {"minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterLayer:
    """A layer that tiles are drawn of; its first style is the default."""

    id: str
    kind: Kind
    title_zh: str
    title_en: str
    unit: str = ""
    parameters: tuple[Parameter, ...] = ()
    species: str | None = None
    sector: str | None = None

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of its styles, the default first."""
        return styles_for(_STYLES[self.kind])

    def parameter(self, name: str) -> Parameter:
        """The parameter of a name."""
        for found in self.parameters:
            if found.name == name:
                return found
        known = ", ".join(p.name for p in self.parameters) or "none"
        raise InvalidParameter(f"layer {self.id} has no parameter {name[:40]!r}; it has {known}")

    def style(self, name: str | None) -> str:
        """The name of a style of this layer; of the default one without a name."""
        if not name or name == "default":
            return self.styles[0]
        if name not in self.styles:
            raise InvalidParameter(f"layer {self.id} has no style {name[:40]!r}; it has {', '.join(self.styles)}")
        return name

    def json(self) -> dict[str, Any]:
        """The layer as a client is told of it."""
        return {
            "id": self.id, "kind": str(self.kind), "title_zh": self.title_zh, "title_en": self.title_en, "unit": self.unit,
            "species": self.species, "sector": self.sector, "styles": list(self.styles),
            "parameters": [
                {"name": p.name, "title_zh": p.title_zh, "title_en": p.title_en, "schema": p.schema()}
                for p in self.parameters
            ],
        }  # fmt: skip


# -- the layers of a result -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def raster_layers(result: Result, run: Run | None = None) -> tuple[RasterLayer, ...]:
    """The layers of a result. ``run`` is the one it stands on: a zoning shows its own layers and those of its run's emissions."""
    if isinstance(result, StoredComparison):
        return (RasterLayer(id="changes", kind=Kind.CHANGES, title_zh="类别变化", title_en="changes of class"),)
    if isinstance(result, StoredZoning):
        rest = () if run is None else _run_layers(run, result, result.year)
        return (*_zoning_layers(result), *rest)
    return _run_layers(result, result, result.years[-1])


@lru_cache(maxsize=4096)
def find_layer(result: Result, run: Run | None, layer: str) -> RasterLayer:
    """The layer of an id."""
    layers = {found.id: found for found in raster_layers(result, run)}
    if layer in layers:
        return layers[layer]
    near = get_close_matches(layer[:80], layers, n=3, cutoff=0.4)
    raise NotFound(
        f"{result.id} has no raster layer {layer[:80]!r}; {'near it' if near else 'it has'}: {', '.join(near or layers)}"
    )


def read_parameters(layer: RasterLayer, parameters: Mapping[str, str]) -> dict[str, Value]:
    """Values of all parameters of a layer; those that are not given have their defaults, and strange ones are refused."""
    for name in parameters:
        layer.parameter(name)
    values = {p.name: p.read(parameters.get(p.name, p.default)) for p in layer.parameters}
    if layer.kind is Kind.CHANGE and values["from"] == values["to"]:
        raise InvalidParameter(f"from and to are both {values['to']}; two different years are expected")
    return values


def _zoning_layers(zoning: StoredZoning) -> tuple[RasterLayer, ...]:
    of = f"（{zoning.year} 年区划）", f", zoning of {zoning.year}"
    layers = [RasterLayer(id="zoned", kind=Kind.ZONED, title_zh=f"管控类别{of[0]}", title_en=f"classes{of[1]}")]
    if "tier" in zoning.rasters:
        layers.append(
            RasterLayer(id="tier", kind=Kind.TIER, title_zh=f"证据层级{of[0]}", title_en=f"tiers of evidence{of[1]}")
        )
    if zoning.parameters.membership.draws:
        layers.append(
            RasterLayer(
                id="membership",
                kind=Kind.MEMBERSHIP,
                title_zh=f"类别稳健度{of[0]}",
                title_en=f"membership of the class{of[1]}",
            )
        )
        layers += [
            RasterLayer(
                id=f"membership-{s['code']}", kind=Kind.MEMBERSHIP, species=s["code"],
                title_zh=f"{s['name_zh']}热点稳健度{of[0]}", title_en=f"membership of the {s['name']} hot set{of[1]}",
            )
            for s in zoning.manifest["species"]
        ]  # fmt: skip
    return tuple(layers)


def _run_layers(run: Run, result: Run | StoredZoning, year: int) -> tuple[RasterLayer, ...]:
    names = {s["code"]: (s["name_zh"], s["name"]) for s in run.manifest["species"]}
    sectors = {s["code"]: (s["name_zh"], s["name"]) for s in run.manifest["sectors"]}
    held = {(e.species, e.part) for e in run.entry.layers if e.kind == "sector"}
    when, hot = _year("year", "年份", "year", run, year), defaults_of(result)
    mode = _mode(hot.mode)
    layers = _class_layers(result, when)
    for code in run.species:
        zh, en = names[code]
        both = zh if zh.casefold() == en.casefold() else f"{zh}（{en}）"
        share = _share(hot.share)
        layers += [
            RasterLayer(id=f"density-{code}", kind=Kind.DENSITY, species=code, unit=_DENSITY, parameters=(when,),
                        title_zh=f"{both}排放强度", title_en=f"{en} emissions per area"),
            RasterLayer(id=f"rank-{code}", kind=Kind.RANK, species=code, parameters=(when, mode),
                        title_zh=f"{both}排放强度排名", title_en=f"{en} cells by rank"),
            RasterLayer(id=f"hot-{code}", kind=Kind.HOT, species=code, parameters=(when, share, mode),
                        title_zh=f"{both}热点", title_en=f"{en} hot cells"),
        ]  # fmt: skip
        if len(run.years) > 1:
            layers.append(_change_layer(run, code, both, en))
        layers += [
            RasterLayer(id=f"density-{code}-{s}", kind=Kind.DENSITY, species=code, sector=s, unit=_DENSITY, parameters=(when,),
                        title_zh=f"{both}排放强度：{sectors[s][0]}", title_en=f"{en} emissions per area, {sectors[s][1].lower()}")
            for s in run.sectors
            if (code, s) in held
        ]  # fmt: skip
    return tuple(layers)


def _class_layers(result: Run | StoredZoning, when: Parameter) -> list[RasterLayer]:
    """The classes at a threshold, unless there is nothing that could overlap."""
    try:
        hot = threshold_of(result)
    except InvalidParameter:
        return []
    least = Parameter(
        name="min_pollutants", type=ParameterType.INTEGER, title_zh="最少污染物热点数", title_en="pollutants that have to be hot",
        default=str(hot.min_pollutants), choices=tuple(str(n + 1) for n in range(len(hot.pollutants))),
    )  # fmt: skip
    # Where one equivalent decides, there is nothing to count.
    parameters = (when, _share(hot.share), _mode(hot.mode), *(() if hot.weights else (least,)), size_parameter())
    return [
        RasterLayer(
            id="class",
            kind=Kind.CLASS,
            title_zh="热点重叠类别",
            title_en="classes at a threshold",
            parameters=parameters,
        )
    ]


def size_parameter() -> Parameter:
    """The least number of cells of a patch that has a class."""
    return Parameter(
        name="min_cells", type=ParameterType.INTEGER, title_zh="最小斑块网格数", title_en="cells of the smallest patch", default="1",
        minimum=1, maximum=MOST_CELLS,
    )  # fmt: skip


def _change_layer(run: Run, code: str, both: str, en: str) -> RasterLayer:
    years = (
        _year("from", "起始年", "from", run, run.years[0]),
        _year("to", "终止年", "to", run, run.years[-1]),
    )
    return RasterLayer(
        id=f"change-{code}", kind=Kind.CHANGE, species=code, unit=_DENSITY, parameters=years,
        title_zh=f"{both}排放强度变化", title_en=f"change of {en} emissions per area",
    )  # fmt: skip


def _year(name: str, zh: str, en: str, run: Run, default: int) -> Parameter:
    return Parameter(
        name=name, type=ParameterType.INTEGER, title_zh=zh, title_en=en, default=str(default), choices=_texts(run.years)
    )


def _share(default: float) -> Parameter:
    return Parameter(
        name="share", type=ParameterType.NUMBER, title_zh="热点份额", title_en="share that is hot", default=repr(default),
        minimum=min(LEAST_SHARE, default), maximum=max(MOST_SHARE, default),
    )  # fmt: skip


def _mode(default: Mode) -> Parameter:
    return Parameter(
        name="mode", type=ParameterType.STRING, title_zh="份额的基准", title_en="share of what", default=str(default),
        choices=_texts(tuple(Mode)),
    )  # fmt: skip


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(map(str, values))
