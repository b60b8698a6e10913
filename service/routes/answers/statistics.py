"""Concentration, overlap, totals, series, thresholds."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import shapely

from gis.errors import InvalidParameter, NotFound, UnknownName
from gis.hotspots.ranks import Mode
from gis.species import find_species
from gis.views.curves import curves, observed_overlap
from gis.views.evidence import unit_row
from gis.views.places import place_of
from gis.views.series import place_series, series
from gis.views.tables import rows
from gis.views.thresholds import threshold_of
from gis.views.totals import REGIONS, By, region_totals, totals
from gis.workspace import StoredZoning
from service.library import Library
from service.routes.answers.records import plain, records
from service.routes.answers.subjects import Subject, subject_of
from service.schemas.base import Texts
from service.schemas.statistics import Concentration, Overlap, Series, Threshold, ThresholdAnswer, Totals

__all__ = ["concentration_answer", "overlap_answer", "series_answer", "threshold_answer", "totals_answer"]

_COUNTED = Texts(
    zh="点源按其位置计入；线源、面源和网格排放按网格内属于该区域的土地面积比例计入，与管控单元的算法相同。",
    en="Points count where they stand; what is spread over a cell, by the share of the cell's ground inside, as for control units.",
)
_SUMMED = Texts(zh="各网格图层之和，与台账一致。", en="Sums of the layers as written, those of the ledger.")
_PUBLISHED = Texts(zh="区划所发布的单元排放量。", en="Amounts of units as the zoning published them.")
_TABLE_METHOD = {By.UNIT: _PUBLISHED, **dict.fromkeys(REGIONS, _COUNTED)}


def concentration_answer(library: Library, which: str, rank_by: str | None, year: int | None) -> Concentration:
    """Curves of all species over the cells in the order of one."""
    subject = subject_of(library, which, year)
    ranking = _species(subject, rank_by)
    statement, found = curves(subject.views, subject.run, subject.year, ranking)
    return Concentration.model_validate(
        {"result": subject.result.id, "year": subject.year, "rank_by": ranking, "statement": statement, "curves": found}
    )


def _species(subject: Subject, name: str | None) -> str:
    known = subject.run.species
    if name is None:
        return known[0]
    try:
        code = name if name in known else find_species(name).code
    except UnknownName:
        code = ""
    if code not in known:
        raise InvalidParameter(f"species {name[:40]!r} is not in run {subject.run.id}; it has {', '.join(known)}")
    return code


def overlap_answer(library: Library, which: str, year: int | None, share: float | None, mode: Mode | None) -> Overlap:
    """Every two hot sets: the zoning's own table where nothing else is asked for, else worked out."""
    subject = subject_of(library, which, year)
    wanted = threshold_of(subject.result, share=share, mode=mode)
    zoning = subject.zoning
    own = zoning is not None and wanted == threshold_of(zoning)
    table = (
        zoning.tables["overlap"] if own and zoning is not None
        else observed_overlap(
            subject.views, subject.run, subject.year, mode=wanted.mode, share=wanted.share, tie_overshoot=wanted.tie_overshoot,
        )
    )  # fmt: skip
    return Overlap.model_validate(
        {
            "result": subject.result.id, "year": subject.year, "mode": str(wanted.mode), "share": wanted.share,
            "published": own, "rows": records(table),
        }
    )  # fmt: skip


def totals_answer(library: Library, which: str, by: By, year: int | None, limit: int, offset: int) -> Totals:
    """Totals of a year."""
    subject = subject_of(library, which, year)
    if by is By.UNIT:
        table = _unit_totals(subject)
    elif by in REGIONS:
        table = region_totals(subject.views, subject.origins, subject.year, by)
    else:
        table = totals(subject.run, subject.year, by)
    return Totals.model_validate(
        {
            "result": subject.result.id, "year": subject.year, "by": str(by), "method": _TABLE_METHOD.get(by, _SUMMED),
            "total_rows": len(table), "offset": offset, "rows": records(table.iloc[offset : offset + limit]),
        }
    )  # fmt: skip


def _unit_totals(subject: Subject) -> pd.DataFrame:
    zoning = subject.zoning
    if zoning is None:
        raise NotFound(f"{subject.result.id} has no units in {subject.year}; a zoning has them in its own year")
    units = zoning.tables["units"]
    # Of the run's whole, as every other row of totals; a unit's own page has its share of the domain.
    wholes = totals(subject.run, subject.year, By.SPECIES).set_index("species")["amount_t"]
    blocks = [
        pd.DataFrame(
            {
                "key": units["unit"], "name_zh": units["name_zh"], "name_en": units["name_en"], "species": s,
                "amount_t": units[f"{s}_t"], "share": units[f"{s}_t"] / wholes[s], "order": i,
            }
        )
        for i, s in enumerate(zoning.species)
    ]  # fmt: skip
    return pd.concat(blocks).sort_values(["key", "order"], kind="stable").drop(columns="order")


def series_answer(library: Library, which: str, by: By, key: str | None) -> Series:
    """Amounts over the years: all of them by species, sector or tier, those of one unit or region by its code."""
    subject = subject_of(library, which)
    placed = by is By.UNIT or by in REGIONS
    if placed != (key is not None):
        raise InvalidParameter(
            f"by={by} {'needs the code of one as key' if placed else 'takes no key'}; a key belongs to by=unit and to regions"
        )
    table = _place_series(subject, by, key) if key is not None else series(subject.run, by)
    method = _COUNTED if placed else _SUMMED
    return Series.model_validate(
        {"result": subject.result.id, "by": str(by), "key": key, "method": method, "rows": records(table)}
    )


def _place_series(subject: Subject, by: By, key: str) -> pd.DataFrame:
    if by is not By.UNIT:
        place, polygon = place_of(subject.views.files, subject.run, str(by), key)
        return place_series(
            subject.views, subject.origins, polygon, key=key, name_zh=place.name_zh, name_en=place.name_en
        )
    zoning = subject.result
    if not isinstance(zoning, StoredZoning):
        raise NotFound(f"{zoning.id} is a run and has no units; a zoning of it has")
    row = unit_row(subject.views.directory, zoning, key)
    found = rows(subject.views.directory, zoning, "units", "unit", [key], ["geometry"])["geometry"][0].as_py()
    polygon = shapely.from_wkb(found)
    return place_series(
        subject.views, subject.origins, polygon, key=key, name_zh=row["name_zh"], name_en=row["name_en"]
    )


def threshold_answer(
    library: Library,
    which: str,
    year: int | None,
    *,
    share: float | None,
    mode: Mode | None,
    least: int | None,
    min_cells: int,
) -> ThresholdAnswer:
    """Cuts and classes at a threshold."""
    subject = subject_of(library, which, year)
    wanted = threshold_of(subject.result, share=share, mode=mode, min_pollutants=least, min_cells=min_cells)
    view = subject.views.threshold(subject.run, subject.year, wanted)
    cuts = {s: {k: plain(v) for k, v in asdict(cut).items()} for s, cut in view.cuts.items()}
    return ThresholdAnswer.model_validate(
        {
            "result": subject.result.id, "year": subject.year, "threshold": Threshold.model_validate(wanted), "cuts": cuts,
            "classes": view.summary(),
        }
    )  # fmt: skip
