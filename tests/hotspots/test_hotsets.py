"""Hot bits against one comparison a cell in numpy."""

from dataclasses import replace

import numba
import numpy as np
import pytest
from affine import Affine

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.hotspots.hotsets import hot_bits
from gis.hotspots.ranks import Mode, Order, order_of, rank_layer, rank_layers

GRID = Grid(crs="EPSG:32650", transform=Affine(1000, 0, 5e5, 0, -1000, 4e6), shape=(200, 700))
DOMAIN = Domain.of(GRID, np.random.default_rng(0).random(GRID.shape) < 0.7)


def amounts(species):
    rng = np.random.default_rng(species)
    return rng.lognormal(0, 2, (species, DOMAIN.size)) * (rng.random((species, DOMAIN.size)) < 0.3)


@pytest.mark.parametrize("species", range(1, 9))
@pytest.mark.parametrize("mode", Mode)
def test_bits_are_the_hot_sets(species, mode):
    amount = amounts(species)
    layers = rank_layers(DOMAIN, amount, order=order_of(mode))
    cuts = [layer.cut(mode, 0.02 * (i + 1)) for i, layer in enumerate(layers)]
    bits = hot_bits(layers, cuts)
    assert bits.dtype == np.uint8
    for i, (layer, cut) in enumerate(zip(layers, cuts, strict=True)):
        hot = (bits >> i & 1).astype(bool)
        assert hot.tolist() == ((layer.rank >= 1) & (layer.rank <= cut.rank)).tolist()
        assert hot.sum() == cut.cells
        value = amount[i] / DOMAIN.area_km2 if layer.order is Order.DENSITY else amount[i]
        assert value[hot].min() > value[~hot].max()  # nothing hot is less dense than what is not
    assert not (bits >> species).any()


def test_a_cell_without_emissions_is_never_hot():
    amount = amounts(2)
    layers = rank_layers(DOMAIN, amount)
    bits = hot_bits(layers, [layer.cut(Mode.AREA, 0.9) for layer in layers])
    for i in range(2):
        assert (bits >> i & 1).astype(bool).tolist() == (amount[i] > 0).tolist()


def test_a_cut_at_rank_0_sets_no_bit():
    layer = rank_layer(DOMAIN, 2.5 * DOMAIN.area_km2)
    cut = layer.cut(Mode.AREA, 0.05)
    assert cut.rank == 0 and not hot_bits([layer], [cut]).any()


def test_growing_shares_give_nested_sets():
    layers = rank_layers(DOMAIN, amounts(5))
    before = np.zeros(DOMAIN.size, np.uint8)
    for q in (0.001, 0.01, 0.05, 0.1, 0.2):
        bits = hot_bits(layers, [layer.cut(Mode.AREA, q) for layer in layers])
        assert not (before & ~bits).any() and bits.sum() > before.sum()
        before = bits


def test_bits_do_not_depend_on_threads():
    layers = rank_layers(DOMAIN, amounts(6))
    cuts = [layer.cut(Mode.AREA, 0.05) for layer in layers]
    before = numba.get_num_threads()
    try:
        found = []
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            found.append(hot_bits(layers, cuts).tobytes())
    finally:
        numba.set_num_threads(before)
    assert found[0] == found[1]


def test_layers_and_cuts_have_to_match():
    layers = rank_layers(DOMAIN, amounts(2))
    cuts = [layer.cut(Mode.AREA, 0.05) for layer in layers]
    for some, few in (([], []), (layers, cuts[:1]), (list(layers) * 5, cuts * 5)):
        with pytest.raises(InvalidParameter, match="a cut for each"):
            hot_bits(some, few)
    with pytest.raises(InvalidParameter, match="of one domain"):
        hot_bits([layers[0], replace(layers[1], rank=layers[1].rank[:9])], cuts)
