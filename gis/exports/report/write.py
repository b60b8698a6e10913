"""Write: the report of a zoning as one HTML file. Nothing in it is loaded from anywhere else, and no text of the input is markup."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from jinja2 import DictLoader, Environment, StrictUndefined

from gis.errors import InvalidParameter
from gis.exports.report.drawings import Drawings
from gis.exports.report.numbers import amount, percent, plain_number, probability
from gis.exports.report.pages import pages
from gis.exports.report.words import WORDS
from gis.exports.styles import CLASS_STYLES, CONFLICT_STYLES, TIER_STYLES
from gis.species import SECTORS, SPECIES
from gis.zoning.model import Zoning

__all__ = ["LANGUAGES", "write_report"]

LANGUAGES = ("zh", "en")
# Units of the table and pages of units: what a person can go through; the exported tables have them all.
_TABLE, _PAGES = 1000, 200
_CONFLICTS = 300


def write_report(
    zoning: Zoning, path: Path, *, language: str, manifest: Mapping[str, Any], outlines: Sequence[gpd.GeoSeries] = ()
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
    """
    if language not in LANGUAGES:
        raise InvalidParameter(f"language {language!r} is not known; use one of {', '.join(LANGUAGES)}")
    room = files("gis.exports.report")
    template = room.joinpath("report.html").read_text("utf-8")
    environment = Environment(
        loader=DictLoader({"report.html": template}), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "amount": amount, "percent": percent, "number": plain_number, "probability": probability,
    }  # fmt: skip
    context = _context(zoning, Drawings(zoning, outlines), language, manifest)
    style = room.joinpath("report.css").read_text("utf-8")
    path.write_text(environment.get_template("report.html").render(style=style, **context), "utf-8", newline="\n")


def _context(zoning: Zoning, drawings: Drawings, language: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    w = WORDS[language]
    names = _species_names(zoning, language)
    classes = {s.code: s.name_zh if language == "zh" else s.name_en for s in CLASS_STYLES}
    tables = zoning.tables
    units = tables["units"].drop(columns="geometry").sort_values(["rank", "unit"], kind="stable")
    conflicts = tables["conflicts"].drop(columns="geometry")
    axes = {"x_title": w["area_share"], "y_title": w["mass_share"]}
    return {
        "w": w, "language": language, "zoning": zoning, "names": names, "sectors": _sector_names(zoning, language, manifest),
        "classes": classes, "tiers": {s.code: s.name_zh if language == "zh" else s.name_en for s in TIER_STYLES}
        | {"proxy_led": w["proxy_led"], "": "–"},
        "class_styles": CLASS_STYLES, "conflict_styles": CONFLICT_STYLES, "tier_styles": TIER_STYLES,
        "title": _title(zoning, language, manifest), "manifest": manifest, "about": zoning.about,
        "id": manifest.get("id", ""), "created": str(manifest.get("created", ""))[:19],
        "notes": _rows(tables["notes"]), "by_class": _by_class(units, classes, zoning.species),
        "maps": [m for m in (drawings.units_map(w["map_units"]), drawings.tiers_map(w["map_tiers"])) if m is not None],
        "hot_maps": drawings.hot_maps(names),
        "curves": [(s, drawings.concentration(s, names, **axes)) for s in zoning.species],
        "shares": _shares_at(tables["concentration"], zoning.species), "hot_sets": _rows(tables["hot_sets"]),
        "overlap": _rows(tables["overlap"]), "evidence": _rows(tables["evidence"]), "totals": _rows(tables["totals"]),
        "units": list(units.head(_TABLE).to_dict("records")), "unit_count": len(units), "more": max(0, len(units) - _TABLE),
        "pages": list(pages(zoning, drawings, most=_PAGES)), "page_count": min(len(units), _PAGES),
        "sensitivity": drawings.sensitivity(classes, x_title="q", y_title=w["cells"]),
        "variants": _rows(tables["sensitivity"]), "stability": _rows(tables["stability"]),
        "conflicts": list(conflicts.head(_CONFLICTS).to_dict("records")), "conflict_count": len(conflicts),
        "listed": list(tables["listed"].to_dict("records")), "ledger": _rows(tables["ledger"]),
        "parameters": json.dumps(zoning.parameters.model_dump(mode="json"), ensure_ascii=False, indent=1),
    }  # fmt: skip


def _rows(table: pd.DataFrame) -> list[Any]:
    return list(table.itertuples(index=False))


def _title(zoning: Zoning, language: str, manifest: Mapping[str, Any]) -> str:
    given = zoning.parameters.title_zh if language == "zh" else zoning.parameters.title_en
    run = manifest.get("run")
    inherited = run.get(f"title_{language}") if isinstance(run, Mapping) else None
    return str(given or inherited or zoning.run_name)


def _species_names(zoning: Zoning, language: str) -> dict[str, str]:
    return {code: SPECIES[code].name if code in SPECIES else code for code in zoning.species}


def _sector_names(zoning: Zoning, language: str, manifest: Mapping[str, Any]) -> dict[str, str]:
    key = "name_zh" if language == "zh" else "name"
    names = {code: getattr(s, key) for code, s in SECTORS.items()}
    listed = manifest.get("sectors", ())
    names |= {str(s["code"]): str(s[key] or s["name"]) for s in listed if isinstance(s, Mapping) and key in s}
    return {**{code: code for code in zoning.sectors}, **names, "": "–"}


def _by_class(units: pd.DataFrame, classes: Mapping[str, str], species: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for code in classes:
        mine = units[units["class"] == code]
        rows.append(
            {"class": code, "units": len(mine), "area_km2": float(mine["area_km2"].sum()), "led": int(mine["proxy_led"].sum())}
            | {s: float(mine[f"{s}_share"].sum()) for s in species}
        )  # fmt: skip
    return rows


def _shares_at(table: pd.DataFrame, species: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of the concentration matrix at 1, 5 and 10 % of the area."""
    rows = []
    for ranking in species:
        for x in (0.01, 0.05, 0.1):
            mine = table[(table["rank_by"] == ranking) & ((table["x"] - x).abs() < 1e-9)].set_index("measured")
            if len(mine):
                rows.append({"rank_by": ranking, "x": x} | {s: float(mine.loc[s, "share"]) for s in species})
    return rows
