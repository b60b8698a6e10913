"""Hot sets: which cells are hot for which species, as one bit a species."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.ranks import Cut, Mode, RankLayer, order_of
from gis.kernels.hotbits import set_bits
from gis.kernels.threads import threads_for

__all__ = ["Cut", "Mode", "hot_bits", "order_of"]

_MOST = 8
_AT_ONCE = 4


def hot_bits(layers: Sequence[RankLayer], cuts: Sequence[Cut]) -> NDArray[np.uint8]:
    """A byte a cell: bit i is set where the cell is in the hot set of the i-th layer."""
    if not 1 <= len(layers) <= _MOST or len(layers) != len(cuts):
        raise InvalidParameter(f"{len(layers)} rank layers and {len(cuts)} cuts; expected 1 to {_MOST}, a cut for each")
    sizes = sorted({len(layer.rank) for layer in layers})
    if len(sizes) > 1:
        raise InvalidParameter(f"rank layers of {sizes} cells; expected all of one domain")
    out = np.zeros(sizes[0], np.uint8)
    for first in range(0, len(layers), _AT_ONCE):
        some, limits = layers[first : first + _AT_ONCE], cuts[first : first + _AT_ONCE]
        limit = np.zeros(_AT_ONCE, np.uint32)
        limit[: len(some)] = [cut.rank for cut in limits]
        # Species that are not there are the first one again, cut at rank 0: that costs no memory and sets no bit.
        r0, r1, r2, r3 = (some[k if k < len(some) else 0].rank for k in range(_AT_ONCE))
        with threads_for(len(out)):
            set_bits(r0, r1, r2, r3, limit, np.uint8(first), out)
    return out
