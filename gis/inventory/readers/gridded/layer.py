"""One layer of one file as its format describes it, before names are resolved and units converted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gis.grid import Grid
from gis.inventory.findings import Finding

__all__ = ["WGS84", "Layer", "LayersRead", "Request"]

WGS84 = "EPSG:4326"
Read = Callable[[], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Request:
    """What the description says about one file; ``name`` is the file as a person would name it."""

    path: Path
    name: str
    part: str = ""
    crs: str | None = None
    variable: str | None = None
    band: int | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as stored: ``read`` gives its values in ``unit``, row 0 north, NaN where it has no value.

    ``what`` tells layers of one file apart; ``variable`` those that may stand beside each other under one species and
    sector. ``month`` is set when the layer covers one month of its year. ``total`` marks a sum of other sectors,
    ``foreign`` a species of that inventory which cozone does not know. ``doubt`` says why the unit is not known, where the
    format has a reason. ``cell_area`` reads the file's own cell areas in m².
    """

    name: str
    what: str
    grid: Grid
    read: Read
    unit: str | None = None
    species: str | None = None
    sector: str | None = None
    year: int | None = None
    month: int | None = None
    total: bool = False
    variable: str = ""
    foreign: bool = False
    doubt: str = ""
    cell_area: Read | None = None
    cell_area_name: str = ""


@dataclass(slots=True)
class LayersRead:
    """The layers of a file and what was noticed on the way."""

    layers: list[Layer]
    findings: list[Finding] = field(default_factory=list)
