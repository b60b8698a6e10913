"""Look-ups in a run against the allocation it came from, and against its own layers."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidParameter, NotFound
from gis.workspace import Workspace
from gis.workspace.tables import entries_at, read_entries, weights_writer
from tests.workspace.made import GRID, allocation


@pytest.mark.parametrize("gridded", [False, True])
def test_contributors_are_those_of_the_allocation_and_add_up_to_the_cell(tmp_path: Path, gridded: bool) -> None:
    made = allocation(tmp_path / "in", gridded=gridded)
    with Workspace(tmp_path / "ws") as workspace:
        run = workspace.publish(made)
        total = run.total(2020, "nox").ravel()
        for cells in ([300], [0, 5, 319], list(range(GRID.size)), [192], [7]):
            found, expected = run.contributors(cells, "nox"), made.contributors(cells, "nox")
            assert found["mass_t"].sum() == pytest.approx(total[cells].sum(), rel=1e-12)
            sources = found[found["part"] != "sea"].reset_index(drop=True)
            true = expected[expected["part"] != "sea"].reset_index(drop=True)
            pd.testing.assert_frame_equal(
                sources.drop(columns="share"), true.drop(columns="share"), check_dtype=False, rtol=1e-12
            )
            assert (found["part"] == "sea").sum() == (expected["part"] == "sea").sum()
        assert run.contributors([300], "nox", year=2019)["source_id"].tolist() == ["plants-0"]
        assert len(run.contributors(range(GRID.size), "nox", top=2)) == 2  # type: ignore[arg-type]
        assert run.contributors([3], "co2").empty


def test_cells_of_a_source_are_those_of_the_allocation(tmp_path: Path) -> None:
    made = allocation(tmp_path / "in")
    with Workspace(tmp_path / "ws") as workspace:
        run = workspace.publish(made)
        for source in ("plants-0", "roads-0", "homes-1"):
            pd.testing.assert_frame_equal(run.cells(source), made.cells(source), check_dtype=False)
        assert run.cells("plants-2").empty  # it lies off the grid
        with pytest.raises(NotFound, match="no source has the id 'nobody'"):
            run.cells("nobody")
        with pytest.raises(NotFound, match="in part 'roads'"):
            run.cells("plants-0", part="roads")
        with pytest.raises(InvalidParameter, match="from 0 to 319"):
            run.contributors([320], "nox")


def test_weights_sources_and_regions_come_back(tmp_path: Path) -> None:
    made = allocation(tmp_path / "in")
    with Workspace(tmp_path / "ws") as workspace:
        run = workspace.publish(made)
        for stored, true in zip(run.weights, made.weights, strict=True):
            assert (stored.part, stored.kind, stored.key, stored.chain) == (true.part, true.kind, true.key, true.chain)
            assert (stored.shares != true.shares).nnz == 0
            np.testing.assert_array_equal(stored.rest["outside"], true.outside)
            np.testing.assert_array_equal(stored.rest["tier"], true.tier)
        sources = run.sources("plants")
        assert sources["name_zh"].tolist() == ["甲电厂", "乙钢厂", "远"]
        assert sources.crs == made.inventory.part("plants").crs  # type: ignore[union-attr]
        assert sources.geometry.x.tolist() == [500_500, 512_250, 900_000]
        (layer,) = run.regions.layers
        assert (str(layer.role), layer.version) == ("county", "2020")
        assert layer.frame["name_zh"].tolist() == ["甲县", "乙县"]
        assert layer.frame.geometry.area.sum() == pytest.approx(20e3 * 16e3)
        assert run.findings.empty


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(0, 2**31), st.integers(1, 9))
def test_entries_are_found_whatever_the_row_groups(counts: list[int], seed: int, group: int) -> None:
    rng = np.random.default_rng(seed)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    n = int(indptr[-1])
    cell, share = rng.integers(0, 50, n), rng.random(n)
    ids = np.sort(rng.choice(1000, len(counts), replace=False)).astype(np.int64)
    with TemporaryDirectory() as directory:
        path = Path(directory) / "weights"
        with path.open("wb") as file:
            weights_writer(order="cell", indptr=indptr, ids=ids, other=cell, share=share, row_group=group)(file)
        whole = read_entries(path).to_pandas()
        wanted = np.append(rng.choice(1000, 5), ids[:2])
        some = entries_at(path, "cell", wanted).to_pandas()
    expected = pd.DataFrame({"cell": np.repeat(ids, counts), "source": cell, "share": share})
    pd.testing.assert_frame_equal(whole, expected)
    pd.testing.assert_frame_equal(some, expected[expected["cell"].isin(wanted)].reset_index(drop=True))
