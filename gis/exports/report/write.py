"""Write: the report of a zoning as one HTML file. Nothing in it is loaded from anywhere else, and no text of the input is markup."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
from jinja2 import DictLoader, Environment, StrictUndefined

from gis.errors import InvalidParameter
from gis.exports.report.content import content
from gis.exports.report.drawings import Drawings
from gis.exports.report.numbers import amount, count, percent, plain_number, probability
from gis.exports.report.texts import Texts
from gis.zoning.model import Zoning

__all__ = ["LANGUAGES", "write_report"]

LANGUAGES = ("zh", "en")
# Pages of units that a person can go through.
_PAGES = 200
_TEMPLATES = ("report.html", "units.html", "macros.html")
# Signs that HTML does not allow; a name may hold them.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def write_report(
    zoning: Zoning,
    path: Path,
    *,
    language: str,
    manifest: Mapping[str, Any],
    outlines: Sequence[gpd.GeoSeries] = (),
    unit_pages: int = _PAGES,
) -> None:
    """Write the review report of a zoning.

    Parameters
    ----------
    zoning
        What is reported.
    path
        The HTML file, replaced if it is there.
    language
        ``zh`` or ``en``.
    manifest
        What the zoning was made of and with, printed at the end.
    outlines
        Borders for the maps, the outermost first, in any CRS.
    unit_pages
        At most so many units have a page of their own, in the order of their ranks.
    """
    if language not in LANGUAGES:
        raise InvalidParameter(f"language {language!r} is not known; use one of {', '.join(LANGUAGES)}")
    if unit_pages < 0:
        raise InvalidParameter(f"{unit_pages} pages of units were asked for; give a number from 0 on")
    texts = Texts.of(zoning, language, manifest.get("sectors", ()))
    context = content(zoning, Drawings(zoning, outlines), texts, manifest, unit_pages=unit_pages)
    style = files("gis.exports.report").joinpath("report.css").read_text("utf-8")
    page = _environment().get_template("report.html").render(style=style, **context)
    path.write_text(_FORBIDDEN.sub("", page), "utf-8", errors="replace", newline="\n")


def _environment() -> Environment:
    room = files("gis.exports.report")
    environment = Environment(
        loader=DictLoader({name: room.joinpath(name).read_text("utf-8") for name in _TEMPLATES}), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "amount": amount, "count_of": count, "percent": percent, "number": plain_number, "probability": probability,
    }  # fmt: skip
    return environment
