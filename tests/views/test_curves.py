"""Concentration and overlap from kept ranks are those of the amounts themselves, and those that zonings publish."""

from __future__ import annotations

import numpy as np
import pytest

from gis.hotspots.concentration import concentration
from gis.hotspots.ranks import Mode
from gis.views import Views
from gis.views.curves import curves, observed_overlap
from gis.workspace import Run, StoredZoning


def test_curves_against_those_of_the_layers(views: Views, run: Run) -> None:
    for year in run.years:
        for ranking in run.species:
            statement, found = curves(views, run, year, ranking)
            expected = concentration(run.layers, rank_by=ranking, valid=run.valid, year=year)
            assert statement == dict(expected.statement)
            for curve in found:
                assert curve.gini == pytest.approx(expected.gini(curve.species), abs=1e-12)
                for q, held in curve.at.items():
                    assert held == pytest.approx(expected.share(curve.species, float(q)), abs=1e-12)


def test_curves_run_from_nothing_to_everything_in_order(views: Views, run: Run) -> None:
    _, found = curves(views, run, run.years[-1], "co2", points=31)
    for curve in found:
        assert len(curve.x) == len(curve.y) <= 62
        assert (curve.x[0], curve.y[0]) == (0.0, 0.0) and curve.x[-1] == curve.y[-1] == pytest.approx(1.0)
        assert (np.diff(curve.x) > 0).all() and (np.diff(curve.y) >= 0).all()


def test_the_published_concentration_is_the_same(views: Views, run: Run, zoning: StoredZoning) -> None:
    table = zoning.tables["concentration"]
    for ranking in run.species:
        _, found = curves(views, run, zoning.year, ranking)
        for curve in found:
            mine = table[(table["rank_by"] == ranking) & (table["measured"] == curve.species)].set_index("x")
            for q, held in curve.at.items():
                assert held == pytest.approx(mine.loc[float(q), "share"], abs=1e-12)


def test_observed_overlap_is_what_the_zoning_published(views: Views, run: Run, zoning: StoredZoning) -> None:
    hot = zoning.parameters.hot
    found = observed_overlap(views, run, zoning.year, mode=Mode(hot.mode), share=hot.q, tie_overshoot=hot.tie_overshoot)
    published = zoning.tables["overlap"]
    assert found[["a", "b"]].to_numpy().tolist() == published[["a", "b"]].to_numpy().tolist()
    for name in ("jaccard", "lift", "capture"):
        np.testing.assert_allclose(found[name], published[name], rtol=1e-12)
    assert found["jaccard_null"].isna().all() and (found["shifts"] == 0).all()


@pytest.mark.parametrize("mode", list(Mode))
def test_overlap_by_brute_force_where_areas_differ(views: Views, world: Run, mode: Mode) -> None:
    share = 0.1
    found = observed_overlap(views, world, 2020, mode=mode, share=share).set_index(["a", "b"])
    area = world.grid.cell_area_m2.ravel() * 1e-6
    hot = {}
    for species in world.species:
        amount = world.total(2020, species).ravel()
        view = views.ranks(world, 2020, species, "amount" if mode is Mode.COUNT else "density")
        rank = view.plane.levels[0].ravel()
        hot[species] = (rank > 0) & (rank <= view.cut(mode, share).rank)
        assert amount[hot[species]].min() > 0
    for (a, b), row in found.iterrows():
        both = area[hot[a] & hot[b]].sum()
        either = area[hot[a] | hot[b]].sum()
        assert row["jaccard"] == pytest.approx(both / either, rel=1e-9)
        mass = world.total(2020, b).ravel()
        assert row["capture"] == pytest.approx(mass[hot[a]].sum() / mass[hot[b]].sum(), rel=1e-9)
