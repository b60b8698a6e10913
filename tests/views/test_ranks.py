from itertools import pairwise

import numpy as np
import pytest

from gis.errors import CorruptObject, InvalidParameter
from gis.hotspots.ranks import Mode, Order, order_of, rank_layer
from gis.views.ranks import read_columns, write_columns
from gis.workspace.emissions import domain_of

SHARES = (0.001, 0.01, 0.03, 0.05, 0.2, 0.9, 1.0)


@pytest.mark.parametrize("where", ["run", "world"])
@pytest.mark.parametrize("order", Order)
def test_ranks_and_cuts_are_those_of_a_rank_layer(where, order, views, request):
    run = request.getfixturevalue(where)
    domain, year = domain_of(run), run.years[0]
    for species in run.species:
        view = views.ranks(run, year, species, order)
        layer = rank_layer(domain, run.total(year, species).ravel()[domain.cells], order=order)
        assert np.array_equal(view.plane.levels[0], domain.on_grid(layer.rank))
        assert np.array_equal(view.layer.count, layer.count) and np.array_equal(view.layer.mass_t, layer.mass_t)
        for mode in Mode:
            if domain.equal_area or order_of(mode) is order:
                for q in SHARES:
                    assert view.cut(mode, q) == layer.cut(mode, q)
                    assert view.cut(mode, q, tie_overshoot=0.0) == layer.cut(mode, q, tie_overshoot=0.0)
            else:
                with pytest.raises(InvalidParameter, match="ranked by"):
                    view.cut(mode, 0.05)


def test_the_fixture_tells_orders_apart(views, run, world):
    assert views.domain(run).equal_area and not views.domain(world).equal_area
    density, amount = (views.ranks(world, 2020, "co2", order).plane.levels[0] for order in Order)
    assert not np.array_equal(density, amount)


def test_a_parent_has_the_best_rank_below_it(views, world):
    levels = views.ranks(world, 2020, "nox").plane.levels
    assert len(levels) == 2
    for fine, coarse in pairwise(levels):
        for (row, col), value in np.ndenumerate(coarse):
            below = fine[2 * row : 2 * row + 2, 2 * col : 2 * col + 2]
            assert value == (below[below > 0].min() if below.any() else 0)


def test_a_domain_is_its_cells(views, run, world):
    for one in (run, world):
        domain, view = domain_of(one), views.domain(one)
        assert np.array_equal(view.cells, domain.cells)
        assert (view.size, view.area_km2, view.equal_area) == (domain.size, domain.total_area_km2, domain.equal_area)
        assert (view.start < view.stop).all() and (view.start[1:] > view.stop[:-1]).all()


def test_the_share_at_a_rank(views, world):
    view = views.ranks(world, 2020, "nox")
    cut = view.cut(Mode.AREA, 0.05)
    assert view.share(Mode.AREA, cut.rank) == cut.share_area and view.share(Mode.MASS, cut.rank) == cut.share_mass
    assert view.share(Mode.MASS, view.layer.ranks) == 1.0


def test_among_emitting_cells_shares_are_larger_and_ranks_the_same(views, world):
    whole, some = views.ranks(world, 2020, "nox"), views.ranks(world, 2020, "nox", among=("co2", "nox"))
    emits = (world.total(2020, "co2") > 0) | (world.total(2020, "nox") > 0)
    assert some.layer.total_count == np.count_nonzero(emits) < whole.layer.total_count
    assert some.layer.total_area_km2 == pytest.approx(world.grid.cell_area_m2[emits].sum() * 1e-6, rel=1e-12)
    assert some.plane is whole.plane
    assert some.cut(Mode.AREA, 0.05).rank < whole.cut(Mode.AREA, 0.05).rank


def test_columns_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "one.arrow"
    columns = {"a": np.arange(5), "b": np.array([np.nan, 1.0, -0.0, np.inf, 2.5])}
    write_columns(path, columns, {"total": 0.1 + 0.2})
    found, about = read_columns(path)
    assert about == {"total": 0.1 + 0.2} and list(found) == ["a", "b"]
    assert all(np.array_equal(found[k], v, equal_nan=v.dtype.kind == "f") for k, v in columns.items())
    assert not any(values.flags.writeable for values in found.values())
    write_columns(path, {"a": np.zeros(0)}, {})
    assert len(read_columns(path)[0]["a"]) == 0


@pytest.mark.parametrize("content", [b"", b"ARROW1", b"no such thing" * 100])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "one.arrow").write_bytes(content)
    with pytest.raises(CorruptObject, match="not a file of views"):
        read_columns(tmp_path / "one.arrow")
