"""Origins against ``Run.contributors`` and ``Run.cells``, which look up the stored weights the slow way."""

from __future__ import annotations

import numpy as np
import pytest

from gis.kernels.origins import add_shares
from gis.views import Views
from gis.views.origins import Contributor, Origins
from gis.workspace import Run


@pytest.fixture(scope="module")
def origins(views: Views, run: Run) -> Origins:
    return Origins(views.files, run)


def _cells(run: Run, count: int) -> list[int]:
    emitting = np.flatnonzero(run.total(run.years[-1], "co2").ravel())
    return np.random.default_rng(5).choice(emitting, count, replace=False).tolist()


def test_contributors_of_cells_are_those_of_the_run(origins: Origins, run: Run) -> None:
    for year in run.years:
        totals = {s: run.total(year, s).ravel() for s in run.species}
        for cell in _cells(run, 25):
            total_t = np.array([totals[s][cell] for s in run.species])
            found = origins.named(origins.at_cell(cell, year), total_t, top=None)
            for species in run.species:
                expected = run.contributors(cell, species, year=year)
                mine = found[species]
                assert [(c.part, c.source_id, c.sector, c.tier) for c in mine] == list(
                    zip(expected["part"], expected["source_id"], expected["sector"], expected["tier"], strict=True)
                )
                np.testing.assert_allclose([c.mass_t for c in mine], expected["mass_t"], rtol=1e-12)
                np.testing.assert_allclose([c.share for c in mine], expected["share"], rtol=1e-12)
                assert [(c.name_zh, c.name_en) for c in mine] == list(
                    zip(expected["name_zh"], expected["name_en"], strict=True)
                )


def test_the_largest_come_first_and_no_more_than_asked(origins: Origins, run: Run) -> None:
    cell = int(run.total(run.years[-1], "co2").argmax())
    total_t = np.array([run.total(run.years[-1], s).ravel()[cell] for s in run.species])
    every = origins.named(origins.at_cell(cell, run.years[-1]), total_t, top=None)
    for top in (1, 2, 3):
        some = origins.named(origins.at_cell(cell, run.years[-1]), total_t, top=top)
        assert all(some[s] == every[s][:top] for s in run.species)
    assert len(every["co2"]) > 1 and sum(c.share for c in every["co2"]) == pytest.approx(1.0, abs=1e-12)


def test_a_gridded_part_stands_for_what_is_left(views: Views, world: Run) -> None:
    origins = Origins(views.files, world)
    cell = int(world.total(2020, "nox").argmax())
    total_t = np.array([world.total(2020, s).ravel()[cell] for s in world.species])
    (row,) = origins.named(origins.at_cell(cell, 2020), total_t, top=5)["nox"]
    assert row == Contributor("grid", "", "", "", "", "", "surrogate", total_t[1], 1.0)


def test_many_cells_add_up_to_the_layers(origins: Origins, run: Run) -> None:
    """The law of conservation: all sources over all cells are all the mass there is."""
    year = run.years[0]
    every = np.arange(run.grid.size, dtype=np.int64)
    found = origins.in_cells(every, np.ones(len(every)), year)
    sums = found.sums(len(run.species), len(run.sectors))
    totals = run.totals().set_index(["year", "species", "sector"])["sum_t"]
    for s, species in enumerate(run.species):
        for k, sector in enumerate(run.sectors):
            assert sums[s, k] == pytest.approx(totals.get((year, species, sector), 0.0), rel=1e-12)
    np.testing.assert_allclose(found.by_tier(len(run.species)).sum(axis=1), sums.sum(axis=1), rtol=1e-12)


def test_fractions_of_cells_against_one_cell_at_a_time(origins: Origins, run: Run) -> None:
    rng = np.random.default_rng(9)
    cells = np.sort(np.array(_cells(run, 40), np.int64))
    fraction = rng.random(len(cells))
    year, many, sectors = run.years[-1], len(run.species), len(run.sectors)
    expected = np.zeros((many, sectors))
    for cell, f in zip(cells.tolist(), fraction.tolist(), strict=True):
        expected += f * origins.at_cell(cell, year).sums(many, sectors)
    found = origins.in_cells(cells, fraction, year)
    np.testing.assert_allclose(found.sums(many, sectors), expected, rtol=1e-12)
    spread = origins.in_cells(cells, fraction, year, points=False)
    assert spread.mass_t.sum() < found.mass_t.sum()
    assert not len(origins.in_cells(cells[:0], fraction[:0], year).mass_t)


def test_points_stand_where_the_sources_do(origins: Origins, run: Run) -> None:
    year = run.years[-1]
    found, x, y, cell = origins.points_in(np.arange(run.grid.size, dtype=np.int64), year)
    row, col = run.grid.index(x=x, y=y)
    np.testing.assert_array_equal(run.grid.cell_id(row=row, col=col), cell)
    plants = run.sources("plants").geometry
    np.testing.assert_allclose(x, plants.x.to_numpy()[found.source])
    np.testing.assert_allclose(y, plants.y.to_numpy()[found.source])


def test_what_was_laid_out_may_be_taken_away(run: Run, tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    views = Views(tmp_path / "views")
    first = Origins(views.files, run)
    first.prepare()
    made = sorted(p.name for p in (tmp_path / "views" / "origins").glob("*.arrow"))
    assert made
    for path in (tmp_path / "views" / "origins").glob("*.arrow"):
        path.unlink()
    cell = _cells(run, 1)[0]
    year = run.years[0]
    again = Origins(Views(tmp_path / "views").files, run)
    assert again.at_cell(cell, year).mass_t.tolist() == first.at_cell(cell, year).mass_t.tolist()


def test_the_kernel_adds_shares_of_wanted_cells_only() -> None:
    rng = np.random.default_rng(2)
    for size in (0, 1, 7, 500):
        cell = np.sort(rng.integers(0, 60, size)).astype(np.int64)
        source, share = rng.integers(0, 9, size).astype(np.int32), rng.random(size)
        wanted = np.unique(rng.integers(0, 70, 20)).astype(np.int64)
        fraction = rng.random(len(wanted))
        out = np.zeros(9)
        add_shares(cell, source, share, wanted, fraction, out)
        taken = dict(zip(wanted.tolist(), fraction.tolist(), strict=True))
        expected = np.zeros(9)
        for c, s, v in zip(cell.tolist(), source.tolist(), share.tolist(), strict=True):
            expected[s] += taken.get(c, 0.0) * v
        np.testing.assert_allclose(out, expected, rtol=1e-12)
