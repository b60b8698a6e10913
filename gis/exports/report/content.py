"""Content: everything that the templates of the report say, worked out from the tables of a zoning."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from gis.exports.report.charts import concentration_chart, sensitivity_chart
from gis.exports.report.drawings import HOT, Drawings
from gis.exports.report.numbers import percent, plain_number
from gis.exports.report.origins import error_table, run_of
from gis.exports.report.pages import acts_as_of, pages
from gis.exports.report.texts import Texts
from gis.exports.styles import CLASS_STYLES, CONFLICT_STYLES, TIER_STYLES
from gis.zoning.model import Zoning

__all__ = ["content"]

# Rows of a table that a person can go through; the exported tables have them all.
_UNITS, _CONFLICTS, _VARIANTS = 1000, 300, 300


def content(
    zoning: Zoning, drawings: Drawings, texts: Texts, manifest: Mapping[str, Any], *, unit_pages: int
) -> dict[str, Any]:
    """The context of the templates."""
    tables = zoning.tables
    units = tables["units"].drop(columns="geometry").sort_values(["rank", "unit"], kind="stable")
    conflicts = tables["conflicts"].drop(columns="geometry")
    shown = list(pages(zoning, drawings, texts, most=unit_pages))
    return {
        "w": texts.words, "language": texts.language, "texts": texts, "zoning": zoning, "names": texts.species,
        "sectors": texts.sectors, "classes": texts.classes, "tiers": texts.tiers, "class_styles": CLASS_STYLES,
        "conflict_styles": CONFLICT_STYLES, "tier_styles": TIER_STYLES, "hot_colour": "#{:02x}{:02x}{:02x}".format(*HOT),
        "about": zoning.about, "years": list(zoning.about.get("years", [zoning.year])), "notes": texts.notes(tables["notes"]),
        "by_class": _by_class(units, texts.classes, zoning.species), "all_units": _sums(units, zoning.species),
        "beyond": _beyond(tables["ledger"], zoning.species), "totals": _rows(tables["totals"]),
        "hot_sets": _rows(tables["hot_sets"]), "overlap": _rows(tables["overlap"]), "evidence": _rows(tables["evidence"]),
        "shifts": max([int(v) for v in tables["overlap"]["shifts"]], default=0),
        "shares": _shares_at(tables["concentration"], zoning.species, zoning.parameters.hot.q),
        "units": units.head(_UNITS).to_dict("records"), "unit_count": len(units), "more_units": max(0, len(units) - _UNITS),
        "pages": shown, "page_of": {p.unit["unit"]: f"page-{k}" for k, p in enumerate(shown, 1)},
        "variants": _variants(tables["sensitivity"]), "most_variants": _VARIANTS, "stability": _by_style(tables["stability"]),
        "conflicts": conflicts.head(_CONFLICTS).to_dict("records"), "conflict_count": len(conflicts),
        "listed": tables["listed"].to_dict("records"), "ledger": _rows(tables["ledger"]),
        **_drawn(zoning, drawings, texts), **_origins(zoning, texts, manifest), **_method(zoning, texts),
    }  # fmt: skip


def _drawn(zoning: Zoning, drawings: Drawings, texts: Texts) -> dict[str, Any]:
    w, names = texts.words, texts.species
    axes = {"x_title": w["area_share"], "y_title": w["mass_share"]}
    return {
        "units_map": drawings.units_map(w["map_units"]), "tiers_map": drawings.tiers_map(w["map_tiers"]),
        "hot_maps": drawings.hot_maps(names),
        "curves": [(s, concentration_chart(zoning, s, names, **axes)) for s in zoning.species],
        "sensitivity": sensitivity_chart(zoning, texts.classes, x_title="q", y_title=w["cells"]),
    }  # fmt: skip


def _origins(zoning: Zoning, texts: Texts, manifest: Mapping[str, Any]) -> dict[str, Any]:
    run = run_of(manifest)
    given = zoning.parameters.title_zh if texts.language == "zh" else zoning.parameters.title_en
    inventory = texts.own(run.get("title_zh"), run.get("title_en")) or zoning.run_name
    regions = manifest.get("regions", run.get("regions", ()))
    return {
        "title": given or texts.words["report"], "inventory": inventory, "manifest": manifest, "run": run,
        "id": manifest.get("id", ""), "created": str(manifest.get("created", ""))[:19].replace("T", " "),
        "regions": [r for r in regions if isinstance(r, Mapping)], "acts_as_of": acts_as_of(zoning),
        "errors": error_table(zoning.about.get("membership"), zoning.species, texts),
        "rules_hash": hashlib.sha256(zoning.rules.encode()).hexdigest(),
        "parameters": list(_flat(zoning.parameters.model_dump(mode="json"))),
    }  # fmt: skip


def _method(zoning: Zoning, texts: Texts) -> dict[str, Any]:
    """The rules of the zoning in a sentence each, and what its classes mean."""
    p, w = zoning.parameters, texts.words
    grown = w["method_grown"].format(_tidy(p.hot.q_low), p.delineation.min_cells, _tidy(p.delineation.min_share))
    crs = zoning.grid.crs
    metres = "°" if zoning.grid.is_geographic else f" {crs.axis_info[0].unit_name}"
    return {
        "method": [w[f"method_{p.hot.mode}"].format(_tidy(p.hot.q)), grown],
        "means": {s.code: w[f"{s.code}_means"].format(p.hot.min_pollutants) for s in CLASS_STYLES},
        "cell_size": f"{zoning.grid.dx:g} × {zoning.grid.dy:g}{metres}",
    }  # fmt: skip


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The parameters, one a line, as they could stand in a file."""
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key} = {json.dumps(value, ensure_ascii=False)}"


def _tidy(share: float) -> str:
    return f"{100 * share:g} %"


def _rows(table: pd.DataFrame) -> list[Any]:
    return list(table.itertuples(index=False))


def _by_style(table: pd.DataFrame) -> list[Any]:
    """The rows of classes in the order in which the report names them."""
    order = [s.code for s in CLASS_STYLES]
    return sorted(table.itertuples(index=False), key=lambda row: order.index(row[0]) if row[0] in order else len(order))


def _sums(units: pd.DataFrame, species: Sequence[str]) -> dict[str, Any]:
    return {
        "units": len(units), "area_km2": float(units["area_km2"].sum()), "led": int(units["proxy_led"].astype(bool).sum()),
        "review": int((units["review"] != "").sum()),
    } | {s: float(units[f"{s}_share"].sum()) for s in species}  # fmt: skip


def _by_class(units: pd.DataFrame, classes: Mapping[str, str], species: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"class": s.code} | _sums(units[units["class"] == s.code], species) for s in CLASS_STYLES if s.code in classes
    ]


def _beyond(ledger: pd.DataFrame, species: Sequence[str]) -> list[tuple[str, dict[str, float]]]:
    """Shares of the region's mass in conflicts and in the remainder."""
    by = {row["species"]: row for row in ledger.to_dict("records")}
    out = []
    for word, column in (("in_conflicts", "conflicts_t"), ("remainder", "remainder_t")):
        shares = {}
        for s in species:
            region_t = by[s]["input_t"] - by[s]["around_t"] if s in by else 0.0
            shares[s] = by[s][column] / region_t if region_t else float("nan")
        out.append((word, shares))
    return out


def _shares_at(table: pd.DataFrame, species: Sequence[str], q: float) -> list[dict[str, Any]]:
    """Rows of the concentration matrix at 1, 5 and 10 % and q of the area, and of the indices."""
    rows: list[dict[str, Any]] = []
    for ranking in species:
        own = table[table["rank_by"] == ranking]
        for x in sorted({0.01, 0.05, 0.1, q}):
            mine = own[(own["x"] - x).abs() < 1e-9]
            share = dict(zip(mine["measured"].tolist(), mine["share"].tolist(), strict=True))
            if share:
                rows.append({"rank_by": ranking, "x": percent(x)} | {s: percent(share[s]) for s in species})
        gini = dict(zip(own["measured"].tolist(), own["gini"].tolist(), strict=True))
        if gini:
            rows.append({"rank_by": ranking, "x": ""} | {s: plain_number(gini[s]) for s in species})
    return rows


def _variants(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A row a variant, with cells, patches and Jaccard by class."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in table.to_dict("records"):
        key = (row["mode"], row["q"], row["min_pollutants"], bool(row["emitting_only"]))
        one = found.setdefault(
            key, {"mode": key[0], "q": key[1], "min_pollutants": key[2], "emitting_only": key[3], "is_base": bool(row["is_base"])}
        )  # fmt: skip
        one[row["class"]] = (row["cells"], row["jaccard"])
    return list(found.values())
