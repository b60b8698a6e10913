"""Charts as SVG: lines over a logarithmic share, and the axes around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Axis", "Chart", "Line", "line_chart"]

# Okabe & Ito 2008: told apart with every kind of colour vision.
COLOURS = ("#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#999999")
_LEFT, _BOTTOM, _TOP, _RIGHT = 48.0, 40.0, 10.0, 10.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart: its name, its colour, the points on the page."""

    name: str
    colour: str
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
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]],
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
        Line(name, colours[k % len(colours)], " ".join(f"{at_x(x)},{at_y(y)}" for x, y in points if low <= x <= high))
        for k, (name, points) in enumerate(series)
    )
    steps = [y_most * k / 5 for k in range(6)]
    y_texts = [f"{100 * s:.0f} %" if percent_y else f"{s:,.0f}" for s in steps]
    return Chart(
        width, height, _LEFT, bottom, _TOP, right,
        Axis(x_title, tuple((at_x(x), f"{100 * x:g} %") for x in x_marks)),
        Axis(y_title, tuple((at_y(s), text) for s, text in zip(steps, y_texts, strict=True))), lines,
    )  # fmt: skip
