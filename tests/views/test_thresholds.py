from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from gis.errors import InvalidParameter
from gis.hotspots.ranks import Mode
from gis.pipeline import zoning_of
from gis.tiles.plane import Fold, fold_plane
from gis.views import Threshold, Views
from gis.views.thresholds import defaults_of, threshold_of
from gis.workspace import Run
from gis.workspace.emissions import domain_of
from gis.zoning.classes import CellClass
from gis.zoning.parameters import Parameters
from tests.service.published import SPECIES, YEARS
from tests.zoning.province import quick

ALL = ("co2", "nox", "pm25", "vocs")


def oracle(run, year, threshold):
    """Classes from amounts: sort the cells, take the first of them until the share is reached, count what is hot."""
    domain = domain_of(run)
    hot = {}
    for species in threshold.species:
        amount = run.total(year, species).ravel()[domain.cells]
        by = amount if threshold.mode is Mode.COUNT else amount / domain.area_km2
        what = {Mode.AREA: domain.area_km2, Mode.COUNT: np.ones(domain.size), Mode.MASS: amount}[threshold.mode]
        order = np.argsort(-by, kind="stable")
        held, wanted = np.cumsum(what[order]), threshold.share * what.sum()
        last = by[order[min(np.searchsorted(held, wanted * (1 - 1e-12)), domain.size - 1)]]
        level, above = by >= last * (1 - 1e-9), by > last * (1 + 1e-9)
        over = what[level].sum() / what.sum() - threshold.share
        alone = (level & ~above).sum() == 1
        chosen = level if alone or over <= threshold.tie_overshoot + 1e-12 else above
        hot[species] = chosen & (amount > 0)
    carbon = hot[threshold.carbon]
    count = sum(hot[s].astype(int) for s in threshold.pollutants)
    out = np.zeros(domain.size, np.uint8)
    out[carbon & (count == 0)] = CellClass.CARBON_ONLY
    out[carbon & (count > 0)] = CellClass.WATCH
    out[~carbon & (count >= threshold.min_pollutants)] = CellClass.POLLUTION_ONLY
    out[carbon & (count >= threshold.min_pollutants)] = CellClass.CO_CONTROL
    return domain.on_grid(out), {s: domain.on_grid(h.astype(np.uint8)) for s, h in hot.items()}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("least", [1, 2, 3])
def test_classes_are_those_of_sorting_and_counting(world, views, mode, share, least):
    threshold = Threshold(species=ALL, share=share, mode=mode, min_pollutants=least)
    view = views.threshold(world, 2020, threshold)
    classes, hot = oracle(world, 2020, threshold)
    assert np.array_equal(view.classes.levels[0], classes)
    for species in ALL:
        assert np.array_equal(view.hot(species).levels[0], hot[species])


def test_a_parent_has_the_highest_class_below_it(world, views):
    levels = views.threshold(world, 2020, Threshold(species=ALL)).classes.levels
    assert len(levels) == 2 and len(np.unique(levels[1])) == 5
    for fine, coarse in pairwise(levels):
        for (row, col), value in np.ndenumerate(coarse):
            assert value == fine[2 * row : 2 * row + 2, 2 * col : 2 * col + 2].max()


def test_a_zonings_own_threshold_gives_its_hot_sets_and_cells(run, zoning, views):
    threshold = threshold_of(zoning)
    assert threshold.species == zoning.species and threshold.share == zoning.parameters.hot.q
    view = views.threshold(run, zoning.year, threshold)
    agree(view, zoning)
    assert set(np.unique(view.classes.levels[0])) - {0}


def agree(view, zoning):
    sets = zoning.tables["hot_sets"].set_index("species")
    for species, cut in view.cuts.items():
        row = sets.loc[species]
        assert (cut.rank, cut.cells, cut.share_area, cut.share_mass) == tuple(
            row[["rank", "cells", "share_area", "share_mass"]]
        )
        hot = view.hot(species).levels[0].ravel()
        cells = zoning.tables["cells"]
        assert sorted(cells.loc[cells[f"{species}_hot"], "cell"]) == np.flatnonzero(hot).tolist()


def test_shares_of_emitting_cells(world, views):
    """As a zoning of these parameters cuts."""
    given = quick(hot={"q": 0.1}).model_dump() | {"emitting_only": True, "pollutants": ("nox", "pm25", "vocs")}
    zoning = zoning_of(world, Parameters.model_validate(given))
    threshold = Threshold(species=ALL, share=0.1, emitting_only=True)
    view = views.threshold(world, 2020, threshold)
    agree(view, zoning)
    whole = views.threshold(world, 2020, Threshold(species=ALL, share=0.1))
    assert view.cuts["co2"].rank < whole.cuts["co2"].rank


def test_one_equivalent_decides_where_there_are_weights(run, views):
    weights = {"nox": 1 / 0.95, "pm25": 1 / 2.18}
    given = quick().model_dump() | {"apeq": {"weights": weights, "source": "a table"}}
    zoning = zoning_of(run, Parameters.model_validate(given), year=YEARS[1])
    view = views.threshold(run, YEARS[1], Threshold(species=SPECIES, weights=tuple(weights.items())))
    assert list(view.cuts) == [*SPECIES, "apeq"]
    agree(view, zoning)
    both = (view.hot("co2").levels[0] > 0) & (view.hot("apeq").levels[0] > 0)
    assert np.array_equal(view.classes.levels[0] == CellClass.CO_CONTROL, both)
    assert not (view.classes.levels[0] == CellClass.WATCH).any()


def test_the_summary_counts_what_the_classes_are(world, views):
    view = views.threshold(world, 2020, Threshold(species=ALL, share=0.2, min_pollutants=2))
    classes, areas = view.classes.levels[0], world.grid.cell_area_m2 * 1e-6
    rows = view.summary()
    assert [r["class"] for r in rows] == ["co_control", "pollution_only", "carbon_only", "watch"]
    for row in rows:
        mine = classes == CellClass[row["class"].upper()]
        assert row["cells"] == mine.sum() > 0
        assert row["area_km2"] == pytest.approx(areas[mine].sum(), rel=1e-12)
        assert row["share_area"] == pytest.approx(areas[mine].sum() / areas.sum(), rel=1e-12)
        for species in ALL:
            total = world.total(2020, species)
            assert row[f"{species}_t"] == pytest.approx(total[mine].sum(), rel=1e-12)
            assert row[f"{species}_share"] == pytest.approx(total[mine].sum() / total.sum(), rel=1e-12)
        assert row["small_patches"] == row["small_cells"] == row["small_area_km2"] == 0
    rows[0]["cells"] = -1
    assert view.summary()[0]["cells"] >= 0


def labelled(grid, classes):
    """Of each cell the number of cells in its patch, by class, and how many patches a class has of each size."""
    size, sizes = np.zeros(grid.shape, np.int64), {}
    for c in CellClass:
        if c:
            label, _ = ndimage.label(classes == c, np.ones((3, 3)))
            count = np.bincount(label.ravel())
            count[0] = 0
            size += count[label]
            sizes[c] = count[1:]
    return size, sizes


@pytest.mark.parametrize("least", [2, 5, 30])
@pytest.mark.parametrize("share", [0.03, 0.3])
def test_patches_below_the_least_size_have_no_class_and_are_counted_apart(world, views, least, share):
    whole = views.threshold(world, 2020, Threshold(species=ALL, share=share, min_pollutants=2))
    view = views.threshold(world, 2020, Threshold(species=ALL, share=share, min_pollutants=2, min_cells=least))
    before, areas = whole.classes.levels[0], world.grid.cell_area_m2 * 1e-6
    size, sizes = labelled(world.grid, before)
    assert np.array_equal(view.classes.levels[0], np.where(size >= least, before, 0))
    assert np.array_equal(view.classes.levels[1], fold_plane(view.classes.levels[0].copy(), Fold.MAX).levels[1])
    assert view.cuts == whole.cuts
    for row in view.summary():
        c = CellClass[row["class"].upper()]
        mine, small = (before == c) & (size >= least), (before == c) & (size < least)
        assert (row["cells"], row["small_cells"]) == (mine.sum(), small.sum())
        assert (row["patches"], row["small_patches"]) == ((sizes[c] >= least).sum(), (sizes[c] < least).sum())
        assert (row["area_km2"], row["small_area_km2"]) == pytest.approx((areas[mine].sum(), areas[small].sum()))
        for species in ALL:
            assert row[f"{species}_t"] == pytest.approx(world.total(2020, species)[mine].sum(), rel=1e-12)
    assert sum(r["small_cells"] for r in view.summary()) > 0


def test_patches_are_those_that_a_zoning_counts_for_its_variants(run, zoning, views):
    table = zoning.tables["sensitivity"]
    seen = 0
    for (mode, q, least), rows in table[~table["emitting_only"]].groupby(["mode", "q", "min_pollutants"]):
        view = views.threshold(
            run, zoning.year, threshold_of(zoning, share=q, mode=Mode(mode), min_pollutants=int(least))
        )
        told = {r["class"]: (r["cells"], r["patches"]) for r in view.summary()}
        for row in rows.to_dict("records"):
            if row["class"] in told:
                assert told[row["class"]] == (row["cells"], row["patches"])
                seen += row["patches"] > 0
    assert seen > 10


@pytest.mark.parametrize("least", [1, 3])
@pytest.mark.parametrize("share", [0.03, 0.5])
def test_what_of_a_class_rests_on_proxies(run, views, least, share):
    view = views.threshold(run, YEARS[1], Threshold(species=SPECIES, share=share, min_pollutants=2, min_cells=least))
    classes, shares = view.classes.levels[0], set()
    for row in view.summary():
        mine = classes == CellClass[row["class"].upper()]
        for species in SPECIES:
            placed = sum(run.tier_layer(YEARS[1], species, tier)[mine].sum() for tier in ("surrogate", "uniform"))
            whole = run.total(YEARS[1], species)[mine].sum()
            found = row[f"{species}_proxy_share"]
            assert (found is None) == (whole == 0)
            if found is not None:
                assert found == pytest.approx(placed / whole, rel=1e-12) and 0.0 <= found <= 1.0
                shares.add(found)
    assert shares and 0.0 < min(shares) <= max(shares) < 1.0


def test_gridded_mass_rests_on_proxies_and_nobody_knows_without_tiers(world, tmp_path):
    wanted = Threshold(species=ALL, share=0.1)
    assert {r["co2_proxy_share"] for r in Views(tmp_path).threshold(world, 2020, wanted).summary()} == {1.0}
    entry = replace(world.entry, layers=tuple(e for e in world.entry.layers if e.kind != "tier"))
    view = Views(tmp_path).threshold(Run(entry, world._store), 2020, wanted)
    assert {r["co2_proxy_share"] for r in view.summary()} == {None}


def test_a_run_has_the_default_threshold_of_what_it_holds(run, world, zoning):
    assert threshold_of(run) == Threshold(species=SPECIES, min_pollutants=2)
    assert threshold_of(world, share=0.03, mode=Mode.MASS, min_pollutants=3) == Threshold(
        species=ALL, share=0.03, mode=Mode.MASS, min_pollutants=3
    )
    assert defaults_of(zoning) == threshold_of(zoning)


@pytest.mark.parametrize(
    "wrong",
    [
        {"species": ("co2",)}, {"species": ("co2", "nox", "nox")}, {"species": tuple("abcdefghi")}, {"share": 0.0}, {"share": 1.0},
        {"share": float("nan")}, {"share": -0.1}, {"min_pollutants": 0}, {"min_pollutants": 4}, {"weights": (("co2", 1.0),)},
        {"min_cells": 0}, {"min_cells": 10_001}, {"weights": (("nox", 0.0),)}, {"weights": (("nox", float("inf")),)},
    ],
)  # fmt: skip
def test_thresholds_that_cannot_be(wrong):
    with pytest.raises(InvalidParameter):
        Threshold(**{"species": ALL} | wrong)


def test_what_a_run_does_not_hold_has_no_threshold(run, views):
    with pytest.raises(InvalidParameter, match="it has co2, nox, pm25"):
        views.threshold(run, 2020, Threshold(species=("co2", "vocs"), min_pollutants=1))
    with pytest.raises(InvalidParameter, match="it has co2, nox, pm25"):
        views.threshold(run, 2020, Threshold(species=SPECIES)).hot("vocs")
