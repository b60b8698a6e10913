"""Clusters: every member in one of them, each cluster in one tile, sums kept."""

from __future__ import annotations

import numpy as np
import pytest

from gis.tiles.clusters import clusters_in
from gis.tiles.matrices import MATRICES, Tile
from gis.tiles.mvt import EXTENT

MATRIX = MATRICES["WebMercatorQuad"]


def scattered(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, EXTENT, (2, n))
    # On borders of the lattice and of tiles too, and several in one place.
    x[: n // 4], y[: n // 4] = np.floor(x[: n // 4] / 64) * 64, np.floor(y[: n // 4] / 64) * 64
    x[n // 4 : n // 3], y[n // 4 : n // 3] = x[0], y[0]
    return x, y, rng.integers(0, 3, n)


@pytest.mark.parametrize("z", [0, 1, 3])
@pytest.mark.parametrize("side", [64, 256])
def test_clusters_share_out_all_members_over_the_tiles_of_a_zoom(z: int, side: int) -> None:
    x, y, group = scattered(500)
    weight = np.random.default_rng(1).random(500)
    seen = np.zeros(500, np.int64)
    firsts: list[int] = []
    amount = 0.0
    for tx in range(2**z):
        for ty in range(2**z):
            found = clusters_in(np.arange(500), x, y, Tile(MATRIX, z, tx, ty), side=side, group=group, weight=weight)
            assert found.owned.all()
            np.add.at(seen, found.member, 1)
            firsts += found.first.tolist()
            amount += float(found.total(weight).sum())
            for k in range(len(found.first)):
                members = found.member[found.cluster == k]
                assert len(members) == found.count[k] and members.min() == found.first[k]
                assert len(set(group[members])) == 1
                lattice = np.floor(np.column_stack([x[members], y[members]]) * 2**z / side)
                assert (lattice == lattice[0]).all()
                # Drawn among its members, in its own cell of the lattice.
                assert (np.floor([found.x[k] + tx * EXTENT, found.y[k] + ty * EXTENT]) // side == lattice[0]).all()
                mean = np.average(x[members] * 2**z - tx * EXTENT, weights=weight[members])
                assert found.x[k] == pytest.approx(mean, abs=1.0)
    assert (seen == 1).all()
    assert len(set(firsts)) == len(firsts)
    assert amount == pytest.approx(weight.sum(), rel=1e-12)


def test_a_margin_shows_what_its_neighbours_own_the_same() -> None:
    x, y, group = scattered(400, seed=2)
    rows = np.arange(400)
    here = clusters_in(rows, x, y, Tile(MATRIX, 1, 0, 0), side=128, group=group, margin=1)
    beside = clusters_in(rows, x, y, Tile(MATRIX, 1, 1, 0), side=128, group=group, margin=1)
    there = {
        f: (px, py, n, o)
        for f, px, py, n, o in zip(beside.first, beside.x, beside.y, beside.count, beside.owned, strict=True)
    }
    shared = [k for k, f in enumerate(here.first) if f in there]
    assert shared
    for k in shared:
        px, py, n, owned = there[here.first[k]]
        assert here.x[k] == pytest.approx(px + EXTENT) and here.y[k] == pytest.approx(py) and here.count[k] == n
        assert owned != here.owned[k]


def test_a_sum_over_unknown_amounts_is_unknown() -> None:
    found = clusters_in(
        np.arange(3), np.array([1.0, 1.0, 900.0]), np.array([1.0, 1.0, 900.0]), Tile(MATRIX, 0, 0, 0), side=64,
        group=np.zeros(3, np.int64),
    )  # fmt: skip
    total = found.total(np.array([np.nan, 2.0, np.nan]))
    assert total[0] == 2.0 and np.isnan(total[1])
    assert found.total(np.array([1, 2, 3])).tolist() == [3.0, 3.0]


def test_places_that_do_not_exist_are_in_no_tile() -> None:
    x = np.array([np.nan, 5.0])
    found = clusters_in(np.arange(2), x, x, Tile(MATRIX, 0, 0, 0), side=64, group=np.zeros(2, np.int64))
    assert found.member.tolist() == [1]
