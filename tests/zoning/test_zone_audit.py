"""A zoning beside figures worked out anew from the run's layers, and what must not be dropped where a rule is unusual."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gis.pipeline import sweep_run, zoning_of
from gis.workspace import Run
from gis.zoning.model import Zoning
from gis.zoning.parameters import Parameters
from tests.allocation.inventories import Made
from tests.zoning.province import CRS_M, SOUTH, WEST, published

SPECIES = ("co2", "nox", "pm25", "so2")
APEQ = {"weights": {"nox": 1 / 0.95, "pm25": 1 / 4, "so2": 1 / 0.95}, "source": "made up for a test"}


def scattered(count: int) -> Made:
    """Plants whose species have nothing to do with each other."""
    rng = np.random.default_rng(5)
    out = Made(SPECIES, (2020,), crs=CRS_M)
    x, y = WEST + rng.uniform(500, 59_500, count), SOUTH + rng.uniform(500, 49_500, count)
    records = [(k, s, "power", 2020, float(1e4 * rng.lognormal(0, 2))) for k in range(count) for s in SPECIES]
    names = {"source_id": [f"P{i}" for i in range(count)], "supply_security": [False] * count}
    out.points("plants", x.tolist(), y.tolist(), records, columns=names)
    return out


def few(**tables: object) -> Parameters:
    given = {
        "pollutants": SPECIES[1:], "sweep": [0.05], "evidence": {"draws": 999}, "membership": {"draws": 0},
        "overlap": {"shifts": 9}, **tables,
    }  # fmt: skip
    return Parameters.model_validate(given)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return published(tmp_path_factory.mktemp("scattered"), scattered(500))


@pytest.fixture(scope="module")
def zoned(run: Run) -> Zoning:
    return zoning_of(run, few())


def base_cells(table: pd.DataFrame) -> dict[str, int]:
    return table[table["is_base"]].set_index("class")["cells"].to_dict()


def classed(zoning: Zoning) -> dict[str, int]:
    counts = zoning.cells["class"].value_counts()
    return {c: int(counts.get(c, 0)) for c in ("co_control", "pollution_only", "carbon_only", "watch")}


def unlisted(zoning: Zoning) -> int:
    """Hot cells that belong to no hotspot and stand in no row of the table of what is listed."""
    cells, listed = zoning.cells, zoning.tables["listed"]
    outside = (cells["patch"] < 0) & (cells["bits"] > 0)
    return int(outside.sum()) - int(listed.loc[listed["class"] == "none", "cells"].sum())


def test_figures_worked_out_from_the_layers(zoned: Zoning, run: Run) -> None:
    """Hot sets, classes, overlap, concentration and scores by sorting, as one would in a spreadsheet: all cells have one area."""
    valid = run.valid.ravel()
    amount = np.array([run.total(2020, s).ravel()[valid] for s in SPECIES])
    cells, goal = amount.shape[1], int(np.ceil(0.05 * amount.shape[1] - 1e-9))
    order = np.argsort(-amount, axis=1, kind="stable")
    hot = np.zeros(amount.shape, bool)
    for s in range(len(SPECIES)):
        hot[s, order[s, :goal]] = True
    pollutants = hot[1:].sum(axis=0)
    classes = {
        "co_control": hot[0] & (pollutants >= 2), "pollution_only": ~hot[0] & (pollutants >= 2),
        "carbon_only": hot[0] & (pollutants == 0), "watch": hot[0] & (pollutants == 1),
    }  # fmt: skip
    for code, mine in classes.items():
        found = zoned.cells.loc[zoned.cells["class"] == code, "cell"]
        np.testing.assert_array_equal(np.sort(found), np.flatnonzero(valid)[mine])
    for row in zoned.tables["overlap"].itertuples():
        i, j = SPECIES.index(row.a), SPECIES.index(row.b)
        both, either = (hot[i] & hot[j]).sum(), (hot[i] | hot[j]).sum()
        assert row.jaccard == pytest.approx(both / either)
        assert row.lift == pytest.approx(both * cells / goal**2)
        assert row.capture == pytest.approx(amount[j, hot[i]].sum() / amount[j, hot[j]].sum())
    curves = zoned.tables["concentration"].query("x == 0.05")
    for row in curves.itertuples():
        held = amount[SPECIES.index(row.measured)][order[SPECIES.index(row.rank_by), :goal]].sum()
        assert row.share == pytest.approx(held / amount[SPECIES.index(row.measured)].sum())


def test_scores_worked_out_anew(zoned: Zoning) -> None:
    units = zoned.units

    def percentile(values: pd.Series) -> pd.Series:
        return (values.rank() - 0.5) / len(values)

    both = {s: (percentile(units[f"{s}_t"]) + percentile(units[f"{s}_t"] / units["area_km2"])) / 2 for s in SPECIES}
    score = 100 * np.sqrt(both["co2"] * sum(both[s] for s in SPECIES[1:]) / 3)
    np.testing.assert_allclose(units["score"], score, atol=1e-8)
    np.testing.assert_array_equal(units["rank"], score.round(9).rank(ascending=False, method="min"))


@pytest.mark.parametrize("least", [1, 2, 3])
def test_every_hot_cell_is_in_a_hotspot_or_listed(run: Run, least: int) -> None:
    assert unlisted(zoning_of(run, few(hot={"min_pollutants": least}))) == 0


def test_nothing_hot_is_dropped_where_an_equivalent_decides(run: Run) -> None:
    zoning = zoning_of(run, few(apeq=APEQ))
    assert unlisted(zoning) == 0
    note = zoning.tables["notes"].set_index("topic").loc["apeq"]
    assert "made up for a test" in note["text_en"]
    assert "made up for a test" in note["text_zh"]


@pytest.mark.parametrize("tables", [{}, {"emitting_only": True}, {"apeq": APEQ}, {"hot": {"mode": "count"}}])
def test_a_sweep_has_the_classes_of_the_zoning(run: Run, tables: dict[str, object]) -> None:
    parameters = few(**tables)
    zoning = zoning_of(run, parameters)
    variants, stable = sweep_run(run, parameters)
    assert base_cells(variants) == classed(zoning)
    pd.testing.assert_frame_equal(variants, zoning.tables["sensitivity"])
    pd.testing.assert_frame_equal(stable, zoning.tables["stability"])


def test_a_domain_of_emitting_cells_is_said_to_be_one_and_a_null_that_fails_is_told(run: Run) -> None:
    notes = zoning_of(run, few(emitting_only=True)).tables["notes"].set_index("topic")
    assert "only the cells that emit" in notes.loc["domain", "text_en"]
    # Points scattered over the province: no shift leaves half of them on others.
    assert notes.loc["overlap", "severity"] == "warning"
    assert "only 0 leave 50%" in notes.loc["overlap", "text_en"]


def test_no_note_where_every_shift_was_made(zoned: Zoning, run: Run) -> None:
    assert "overlap" not in set(zoned.tables["notes"]["topic"])
    assert "overlap" not in set(zoning_of(run, few(overlap={"shifts": 0})).tables["notes"]["topic"])
