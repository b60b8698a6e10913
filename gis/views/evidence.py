"""Evidence of a unit: which inputs, parameters and rules made it, step by step, each step with its numbers.

Nothing is taken from memory of the computation: the steps are told from the published tables, and what can be worked out again (the score's
parts) is, so that a reader can hold one against the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gis.errors import NotFound
from gis.hotspots.ranks import Mode
from gis.views.layers import MODE_NAMES
from gis.views.tables import open_table, rows
from gis.workspace import StoredZoning
from gis.zoning.access import without_sources
from gis.zoning.reviews import halves
from gis.zoning.scores import percentiles, pollutant_weights

__all__ = ["Evidence", "ScoreParts", "Step", "score_parts", "unit_access", "unit_evidence", "unit_row"]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the way to a unit: what was asked, in both languages, the numbers, and what the step decided."""

    step: str
    text_zh: str
    text_en: str
    values: Mapping[str, Any]
    outcome: str


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """Parts of a score: percentiles among all units of amount and density by species, their mean for carbon and pollutants.

    score = 100 √(carbon × pollutants) × membership.
    """

    amount_percentile: Mapping[str, float]
    density_percentile: Mapping[str, float]
    weights: Mapping[str, float]
    carbon: float
    pollutants: float
    membership: float
    score: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it for one unit."""

    unit: str
    zoning: Mapping[str, Any]
    run: Mapping[str, Any]
    inputs: list[Mapping[str, Any]]
    parameters: Mapping[str, Any]
    rules_sha256: str
    tables_sha256: Mapping[str, str]
    seed: int
    made_with: Mapping[str, str]
    steps: tuple[Step, ...]
    score: ScoreParts
    rank: int
    rank_low: int
    rank_high: int
    access: list[Mapping[str, Any]]
    ledger: list[dict[str, Any]]


def unit_row(directory: Path, zoning: StoredZoning, unit: str) -> dict[str, Any]:
    """The row of a unit, without its polygon."""
    stored = open_table(directory, zoning, "units")
    at = stored.positions("unit", [unit])
    if not len(at):
        raise NotFound(f"zoning {zoning.id} has no unit {unit[:60]!r}")
    names = [n for n in stored.schema.names if not n.startswith("geometry")]
    found: dict[str, Any] = stored.take(at, names).to_pylist()[0]
    return found


def unit_evidence(directory: Path, zoning: StoredZoning, unit: str, *, facilities: bool) -> Evidence:
    """The evidence of a unit of a zoning; conditions of the access list name sources only where facilities may be seen."""
    row = unit_row(directory, zoning, unit)
    manifest, identity = zoning.manifest, zoning.manifest["identity"]
    access = unit_access(directory, zoning, unit, facilities=facilities)
    return Evidence(
        unit=unit,
        zoning={"id": zoning.id, "name": zoning.name, "year": zoning.year, "content_hash": zoning.entry.content_hash},
        run={k: manifest["run"][k] for k in ("id", "name", "inventory", "source", "licence")} | {"hash": identity["run"]["hash"]},
        inputs=manifest["run"]["inputs"], parameters=identity["parameters"], rules_sha256=identity["rules"],
        tables_sha256=identity["content"], seed=manifest["seed"], made_with=manifest["made_with"],
        steps=_steps(directory, zoning, row, access), score=score_parts(directory, zoning, unit),
        rank=row["rank"], rank_low=row["rank_low"], rank_high=row["rank_high"],
        access=access,
        ledger=open_table(directory, zoning, "ledger").table.to_pylist(),
    )  # fmt: skip


def unit_access(directory: Path, zoning: StoredZoning, unit: str, *, facilities: bool) -> list[Mapping[str, Any]]:
    """The access list of a unit; its conditions name sources only where facilities may be seen."""
    found: list[dict[str, Any]] = rows(directory, zoning, "access", "unit", [unit]).to_pylist()
    return [row if facilities else {**row, "condition": without_sources(row["condition"])} for row in found]


def score_parts(directory: Path, zoning: StoredZoning, unit: str) -> ScoreParts:
    """The parts of a unit's score, worked out again from the amounts and areas of all units."""
    stored = open_table(directory, zoning, "units")
    at = int(stored.positions("unit", [unit])[0])
    # An equivalent that stands for the pollutants is shown with them, and has no weight of its own.
    species = [s for s in zoning.species if s in (zoning.parameters.carbon, *zoning.parameters.pollutants)]
    table = stored.table.select([*(f"{s}_t" for s in species), "area_km2", "membership"]).to_pandas()
    amount = table[[f"{s}_t" for s in species]].to_numpy().T
    area = table["area_km2"].to_numpy()
    of_amount, of_density = percentiles(amount)[:, at], percentiles(amount / area)[:, at]
    mean = 0.5 * (of_amount + of_density)
    weights = pollutant_weights(tuple(species[1:]), zoning.parameters.score.weights)
    member = float(table["membership"].iloc[at])
    member = 1.0 if np.isnan(member) else member
    pollutants = float(weights @ mean[1:])
    return ScoreParts(
        dict(zip(species, of_amount.tolist(), strict=True)), dict(zip(species, of_density.tolist(), strict=True)),
        dict(zip(species[1:], weights.tolist(), strict=True)), float(mean[0]), pollutants, member,
        100.0 * float(np.sqrt(mean[0] * pollutants)) * member,
    )  # fmt: skip


# -- the steps ----------------------------------------------------------------------------------------------------------


def _steps(
    directory: Path, zoning: StoredZoning, row: Mapping[str, Any], access: list[Mapping[str, Any]]
) -> tuple[Step, ...]:
    columns = ["cell", "class", "bits", "tier", "seed", "filled", "area_km2", "membership"]
    cells = rows(directory, zoning, "cells", "patch", [row["patch"]], columns).to_pandas()
    patch = rows(directory, zoning, "hotspots", "patch", [row["patch"]]).drop_columns(["geometry"]).to_pylist()[0]
    return (
        _hot_sets(zoning), _class(zoning, row, cells), _size(zoning, patch), _shape(zoning, row), _tier(zoning, row, cells),
        _robustness(zoning, row), _proxy(zoning, row), _score(row), _access(access),
    )  # fmt: skip


def _hot_sets(zoning: StoredZoning) -> Step:
    hot = zoning.parameters.hot
    wanted = ("rank", "cells", "share_area", "share_mass", "threshold", "note")
    cuts = {r["species"]: {k: r[k] for k in wanted} for r in zoning.tables["hot_sets"].to_dict("records")}
    values = {"mode": hot.mode, "q": hot.q, "q_low": hot.q_low, "tie_overshoot": hot.tie_overshoot, "cuts": cuts}
    of_zh, of_en = MODE_NAMES[Mode(hot.mode)]
    zh = f"按{of_zh}份额 {hot.q:g} 划定各排放物热点网格"
    return Step("hot_sets", zh, f"hot cells of each species: by share of {of_en}, {hot.q:g}", values, "")


def _class(zoning: StoredZoning, row: Mapping[str, Any], cells: pd.DataFrame) -> Step:
    seed = cells["seed"].astype(bool)
    bits, counts = np.unique(cells.loc[seed, "bits"].to_numpy(np.int64), return_counts=True)
    found = zip(bits.tolist(), counts.tolist(), strict=True)
    least = zoning.parameters.hot.min_pollutants
    values = {
        "min_pollutants": least, "seeds": int(seed.sum()), "grown": int((~seed).sum()), "filled": int(cells["filled"].sum()),
        "seeds_by_species": {_species_of(zoning, code): count for code, count in found},
    }  # fmt: skip
    zh = f"种子网格同时为哪些排放物的热点（污染物至少 {least} 种）"
    return Step(
        "class", zh, f"which species the seeds are hot for (pollutants: {least} at least)", values, str(row["class"])
    )


def _species_of(zoning: StoredZoning, bits: int) -> str:
    return "+".join(s for i, s in enumerate(zoning.species) if bits >> i & 1)


def _size(zoning: StoredZoning, patch: Mapping[str, Any]) -> Step:
    wanted = zoning.parameters.delineation
    values = {
        "min_cells": wanted.min_cells, "min_share": wanted.min_share, "hole_cells": wanted.hole_cells,
        **{n: patch[n] for n in ("patch", "cells", "seeds", "area_km2")},
        "shares": {s: patch[f"{s}_share"] for s in zoning.species},
    }  # fmt: skip
    zh = f"热点至少 {wanted.min_cells} 个网格，或排放占比至少 {wanted.min_share:g}"
    en = f"a hotspot of {wanted.min_cells} cells at least, or with {wanted.min_share:g} of the region's emission"
    return Step("size", zh, en, values, str(patch["reason"]))


def _shape(zoning: StoredZoning, row: Mapping[str, Any]) -> Step:
    names = (
        "fit_codes",
        "retained",
        "inflated",
        "review",
        "jurisdiction",
        "cross_id",
        "cells",
        "area_km2",
        "hot_share",
    )
    zh, en = halves(row["review"])
    values = {
        "parameters": zoning.parameters.snapping.model_dump(mode="json"), **{n: row[n] for n in names}, "review_zh": zh,
        "review_en": en,
    }  # fmt: skip
    return Step(
        "shape", "是否采用园区或乡镇边界", "whether a park's or township's border describes it", values, str(row["fit"])
    )


def _tier(zoning: StoredZoning, row: Mapping[str, Any], cells: pd.DataFrame) -> Step:
    wanted = zoning.parameters.evidence
    tiers = cells.loc[cells["seed"].astype(bool), "tier"].astype(str).value_counts().to_dict()
    values = {
        "neighbours": wanted.neighbours, "alpha": wanted.alpha, "control": wanted.control, "draws": wanted.draws,
        "seeds_by_tier": {str(k): int(v) for k, v in sorted(tiers.items())},
    }  # fmt: skip
    test = f"({wanted.control.upper()}, α = {wanted.alpha:g})"
    return Step("tier", f"局地聚集检验 {test}", f"local clustering {test}", values, str(row["tier"]))


def _robustness(zoning: StoredZoning, row: Mapping[str, Any]) -> Step:
    wanted = zoning.parameters.membership
    values = {
        "membership": row["membership"], "core": wanted.core, "uncertain": wanted.uncertain, "draws": wanted.draws,
        "seed": wanted.seed,
    }  # fmt: skip
    zh = f"清单不确定性下仍为该类的比例（{wanted.draws} 次抽样）"
    en = f"how often it stays so when the inventory is redrawn ({wanted.draws} draws)"
    return Step("robustness", zh, en, values, str(row["robustness"]))


def _proxy(zoning: StoredZoning, row: Mapping[str, Any]) -> Step:
    limit = zoning.parameters.evidence.proxy_led
    values = {"proxy_share": row["proxy_share"], "limit": limit, "years_hot": row["years_hot"]}
    zh = f"共用代用指标分配的排放占比（上限 {limit:g}）"
    en = f"share of mass that rests on proxies which species share (limit {limit:g})"
    return Step("proxy", zh, en, values, "proxy_led" if row["proxy_led"] else "")


def _score(row: Mapping[str, Any]) -> Step:
    values = {n: row[n] for n in ("score", "rank", "rank_low", "rank_high")}
    return Step(
        "score", "排序得分及其排名区间（5%–95%）", "score, rank and its interval (5 to 95 %)", values, str(row["rank"])
    )


def _access(access: list[Mapping[str, Any]]) -> Step:
    found = [{name: rule[name] for name in ("rule", "condition", "blocked")} for rule in access]
    return Step(
        "access", "准入清单触发的规则", "rules of the access list that fired", {"rules": found}, str(len(found))
    )
