import os
import shutil
import threading

import numpy as np
import pytest

from gis.errors import InvalidParameter, NotFound
from gis.tiles.plane import Fold
from gis.views import Threshold, Views
from gis.views import views as module
from tests.service.published import SPECIES, YEARS

HOT = Threshold(species=SPECIES, min_pollutants=2)


def test_amounts_are_those_of_the_run_and_every_level_holds_the_same_mass(run, views):
    for year in YEARS:
        for species in SPECIES:
            plane = views.amounts(run, year, species)
            assert plane.fold is Fold.SUM and np.array_equal(plane.levels[0], run.total(year, species))
            total = plane.levels[0].sum()
            assert all(level.sum() == pytest.approx(total, rel=1e-12) for level in plane.levels)
            sectors = sum(views.amounts(run, year, species, s).levels[0] for s in run.sectors)
            assert np.allclose(sectors, plane.levels[0], rtol=1e-12)


def test_a_sector_is_its_layer_and_one_without_emissions_is_zero(run, views):
    assert np.array_equal(views.amounts(run, 2020, "co2", "power").levels[0], run.layer(2020, "co2", "power"))
    assert not views.amounts(run, 2020, "co2", "waste").levels[0].any()


def test_valid_is_that_of_the_run(run, views):
    plane = views.valid(run)
    assert plane.levels[0].dtype == np.uint8 and np.array_equal(plane.levels[0] > 0, run.valid)


@pytest.mark.parametrize(
    "asked", [(1999, "co2", None), (2020, "ch4", None), (2020, "co2", "industry"), (2020, "../co2", None)]
)
def test_what_a_run_does_not_have_is_refused_with_what_it_has(run, views, asked):
    with pytest.raises(InvalidParameter, match="it has"):
        views.amounts(run, *asked)


def test_rasters_and_columns_of_a_zoning(zoning, views):
    assert np.array_equal(views.zoned(zoning, "class").levels[0], zoning.raster("class"))
    assert np.array_equal(views.zoned(zoning, "tier").levels[0], zoning.raster("tier"))
    cells = zoning.tables["cells"]
    for name in ("membership", "nox_membership"):
        plane = views.zoned(zoning, name).levels[0]
        assert plane.dtype == np.float32 and plane.any()
        assert np.array_equal(plane.ravel()[cells["cell"]], cells[name].fillna(0).to_numpy(np.float32))
        assert np.count_nonzero(plane) == np.count_nonzero(cells[name].fillna(0))
    with pytest.raises(NotFound, match="class, tier, membership"):
        views.zoned(zoning, "ch4_membership")


def test_evidence_is_strongest_where_a_core_is_clustered(zoning, views):
    tier, evidence = zoning.raster("tier"), views.evidence(zoning)
    assert set(np.unique(evidence.levels[0])) == {0, *(4 - t for t in np.unique(tier) if t)}
    assert np.array_equal(evidence.levels[0] == 3, tier == 1) and np.array_equal(evidence.levels[0] == 0, tier == 0)


def test_changes_are_those_of_the_comparison(changed, comparison, views):
    cells = changed.tables["cells"]
    assert cells["change"].nunique() >= 2
    assert views.changes(comparison).levels[0].any() == (len(comparison.tables["cells"]) > 0)
    plane = views.changes(changed).levels[0]
    codes = {"left": 1, "changed": 2, "entered": 3}
    assert [codes[c] for c in cells["change"]] == plane.ravel()[cells["cell"]].tolist()
    assert np.count_nonzero(plane) == len(cells)


def test_scales_are_those_of_the_last_year_and_kept(run, views, monkeypatch):
    scale = views.scale(run, "nox")
    amounts = run.total(YEARS[-1], "nox")
    density = amounts[amounts > 0] / (run.grid.cell_area_m2[amounts > 0] * 1e-6)
    share = np.mean(density >= scale.breaks[-1])
    assert 0.002 <= share < 0.02
    monkeypatch.setattr(module, "density_scale", None)
    assert Views(views.directory).scale(run, "nox") == scale


def test_another_process_or_the_next_start_finds_what_was_made(run, zoning, tmp_path, monkeypatch):
    first = Views(tmp_path)
    before = [first.amounts(run, 2020, "co2"), first.ranks(run, 2020, "co2").plane, first.zoned(zoning, "membership")]
    for name in ("write_plane", "write_ranks", "write_domain", "rank_layer", "domain_of"):
        monkeypatch.setattr(module, name, None)
    second = Views(tmp_path)
    after = [second.amounts(run, 2020, "co2"), second.ranks(run, 2020, "co2").plane, second.zoned(zoning, "membership")]
    for a, b in zip(before, after, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a.levels, b.levels, strict=True))
        assert not any(level.flags.writeable for level in b.levels)


def test_the_directory_may_be_emptied_at_any_time(run, tmp_path):
    views = Views(tmp_path / "views")
    before = views.threshold(run, 2020, HOT).classes.levels[0].copy()
    shutil.rmtree(tmp_path / "views")
    assert np.array_equal(views.amounts(run, 2020, "co2").levels[0], run.total(2020, "co2"))
    assert np.array_equal(views.threshold(run, 2020, HOT).classes.levels[0], before)
    assert np.array_equal(Views(tmp_path / "views").threshold(run, 2020, HOT).classes.levels[0], before)


@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_damaged_files_are_made_anew(run, tmp_path, keep):
    Views(tmp_path).threshold(run, 2020, HOT)
    files = [p for p in tmp_path.rglob("*") if p.suffix in (".plane", ".arrow")]
    assert len(files) >= 8
    for path in files:
        path.write_bytes(path.read_bytes()[:keep])
    fresh = Views(tmp_path / "other").threshold(run, 2020, HOT)
    again = Views(tmp_path).threshold(run, 2020, HOT)
    assert np.array_equal(again.classes.levels[0], fresh.classes.levels[0]) and again.cuts == fresh.cuts


def test_thresholds_are_kept_as_long_as_there_is_memory(run, tmp_path, monkeypatch):
    made = []
    classify = module.classify
    monkeypatch.setattr(module, "classify", lambda *given: (made.append(1), classify(*given))[1])
    views = Views(tmp_path)
    first = views.threshold(run, 2020, HOT)
    assert views.threshold(run, 2020, Threshold(species=SPECIES, share=0.050, min_pollutants=2)) is first
    assert len(made) == 1
    views.memory_bytes = int(first.nbytes * 2.5)
    others = [Threshold(species=SPECIES, share=q, min_pollutants=2) for q in (0.01, 0.02, 0.03)]
    for other in others:
        views.threshold(run, 2020, other)
    assert len(made) == 4 and len(views._thresholds) == 2
    views.threshold(run, 2020, others[-1])
    assert len(made) == 4
    views.threshold(run, 2020, HOT)
    assert len(made) == 5


def test_threads_that_want_one_threshold_wait_for_the_first(run, tmp_path, monkeypatch):
    made, found = [], []
    classify = module.classify
    monkeypatch.setattr(module, "classify", lambda *given: (made.append(1), classify(*given))[1])
    views = Views(tmp_path)
    threads = [threading.Thread(target=lambda: found.append(views.threshold(run, 2022, HOT))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and len({id(view) for view in found}) == 1 and views._busy == {}


def test_what_is_in_use_stays_young_on_disk(run, tmp_path, monkeypatch):
    views = Views(tmp_path)
    views.amounts(run, 2020, "co2")
    (path,) = tmp_path.glob("amounts/*")
    os.utime(path, (0, 0))
    views.amounts(run, 2020, "co2")
    assert path.stat().st_mtime == 0
    monkeypatch.setattr(module, "_TOUCH_S", 0.0)
    views.amounts(run, 2020, "co2")
    assert path.stat().st_mtime > 0


def test_planes_kept_open_are_few_enough(run, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_OPEN", 3)
    views = Views(tmp_path)
    for sector in run.sectors:
        views.amounts(run, 2020, "co2", sector)
    assert len(views._open) == 3
