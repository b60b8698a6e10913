"""Charts as SVG: lines over shares, and the axes around them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from gis.exports.styles import CLASS_STYLES
from gis.zoning.model import Zoning

__all__ = ["Axis", "Chart", "Line", "concentration_chart", "line_chart", "sensitivity_chart"]

# Okabe & Ito 2008: told apart with every kind of colour vision; the dashes tell them apart in grey.
COLOURS = ("#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#999999")
DASHES = ("", "7 2", "3 2", "8 2 2 2", "1.5 2", "12 3", "5 2 1 2 1 2", "2 5")
_LEFT, _BOTTOM, _TOP, _RIGHT = 52.0, 40.0, 12.0, 22.0
_Series = Sequence[tuple[str, Sequence[tuple[float, float]]]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart: its name, its colour and dashes, the points on the page."""

    name: str
    colour: str
    dash: str
    points: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Marks of an axis: position on the page and text."""

    title: str
    marks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template draws."""

    width: float
    height: float
    left: float
    bottom: float
    top: float
    right: float
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


def line_chart(
    series: _Series,
    *,
    width: float,
    height: float,
    x_title: str,
    y_title: str,
    log_x: bool,
    x_marks: Sequence[float],
    y_most: float = 1.0,
    colours: Sequence[str] = COLOURS,
    percent_y: bool = True,
) -> Chart:
    """Lines over shares of the area; x and y are shares, marked in per cent."""
    right, bottom = width - _RIGHT, height - _BOTTOM
    low, high = min(x_marks), max(x_marks)

    def at_x(x: float) -> float:
        part = math.log(x / low) / math.log(high / low) if log_x else (x - low) / (high - low)
        return round(_LEFT + part * (right - _LEFT), 1)

    def at_y(y: float) -> float:
        return round(bottom - y / y_most * (bottom - _TOP), 1)

    lines = tuple(
        Line(
            name, colours[k % len(colours)], DASHES[k % len(DASHES)],
            " ".join(f"{at_x(x)},{at_y(y)}" for x, y in points if low <= x <= high and math.isfinite(y)),
        )
        for k, (name, points) in enumerate(series)
    )  # fmt: skip
    steps = [y_most * k / 5 for k in range(6)]
    y_texts = [f"{100 * s:.0f} %" if percent_y else f"{s:,.0f}" for s in steps]
    return Chart(
        width, height, _LEFT, bottom, _TOP, right,
        Axis(x_title, tuple((at_x(x), f"{100 * x:g} %") for x in x_marks)),
        Axis(y_title, tuple((at_y(s), text) for s, text in zip(steps, y_texts, strict=True))), lines,
    )  # fmt: skip


def concentration_chart(zoning: Zoning, ranking: str, names: Mapping[str, str], *, x_title: str, y_title: str) -> Chart:
    """Shares of all species in the densest cells of one; the whole area has all of it."""
    table = zoning.tables["concentration"]
    mine = table[table["rank_by"] == ranking]
    series = [(names[code], _points(mine[mine["measured"] == code])) for code in zoning.species]
    return line_chart(
        series, width=360, height=250, x_title=x_title, y_title=y_title, log_x=True, x_marks=(0.001, 0.01, 0.05, 0.1, 0.5, 1.0)
    )  # fmt: skip


def sensitivity_chart(zoning: Zoning, names: Mapping[str, str], *, x_title: str, y_title: str) -> Chart | None:
    """Cells of each class over the swept shares, everything else as in the base variant; None without a base variant."""
    table = zoning.tables["sensitivity"]
    bases = table[table["is_base"].astype(bool)]
    if not len(bases):
        return None
    base = bases.iloc[0]
    alike = (table["mode"] == base["mode"]) & (table["min_pollutants"] == base["min_pollutants"])
    mine = table[alike & (table["emitting_only"].astype(bool) == bool(base["emitting_only"]))].sort_values("q")
    series = [
        (names[s.code], [(float(q), float(n)) for q, n in zip(own["q"], own["cells"], strict=True)])
        for s in CLASS_STYLES
        for own in [mine[mine["class"] == s.code]]
    ]
    q = sorted(float(v) for v in mine["q"].unique())
    marks = tuple(q) if len(q) > 1 else (q[0] / 2, q[0])
    return line_chart(
        series, width=560, height=280, x_title=x_title, y_title=y_title, log_x=False, x_marks=marks,
        y_most=_round_up(max(float(mine["cells"].max()), 1.0)), colours=[s.hex for s in CLASS_STYLES], percent_y=False,
    )  # fmt: skip


def _points(rows: pd.DataFrame) -> list[tuple[float, float]]:
    found = [(float(x), float(y)) for x, y in zip(rows["x"], rows["share"], strict=True)]
    if any(math.isfinite(y) for _, y in found) and all(x < 1.0 for x, _ in found):
        found.append((1.0, 1.0))
    return sorted(found)


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= value) * power
