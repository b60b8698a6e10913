"""Vector tiles read back: by the outside library, and command by command."""

from __future__ import annotations

from typing import Any

import mapbox_vector_tile
import numpy as np
from mapbox_vector_tile.Mapbox import vector_tile_pb2
from numpy.typing import NDArray


def features(data: bytes, layer: str) -> list[dict[str, Any]]:
    """Features of a layer, y counting down as in the tile."""
    found = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})
    return list(found[layer]["features"])


def raw(data: bytes) -> Any:
    """The one layer of a tile as protobuf has it."""
    tile = vector_tile_pb2.tile()
    tile.ParseFromString(data)
    assert len(tile.layers) == 1
    return tile.layers[0]


def rings(commands: list[int]) -> list[NDArray[np.int64]]:
    """Rings of a polygon's commands by the letter of the specification (4.3); an error where they are not."""
    out: list[NDArray[np.int64]] = []
    x = y = k = 0

    def step(value: int) -> int:
        return (value >> 1) ^ -(value & 1)

    while k < len(commands):
        assert commands[k] == 9, "a ring begins with MoveTo of one point"
        x, y = x + step(commands[k + 1]), y + step(commands[k + 2])
        ring = [(x, y)]
        assert commands[k + 3] & 7 == 2 and commands[k + 3] >> 3 >= 2, (
            "a ring goes on with LineTo of two points or more"
        )
        count = commands[k + 3] >> 3
        for i in range(count):
            dx, dy = step(commands[k + 4 + 2 * i]), step(commands[k + 5 + 2 * i])
            assert (dx, dy) != (0, 0), "no point repeats the one before"
            x, y = x + dx, y + dy
            ring.append((x, y))
        k += 4 + 2 * count
        assert commands[k] == 15, "a ring ends with ClosePath"
        assert ring[-1] != ring[0], "ClosePath draws the last side"
        k += 1
        out.append(np.array(ring, np.int64))
    return out


def twice_area(ring: NDArray[np.int64]) -> int:
    """Twice the signed area, by the surveyor's formula; an exterior ring's is positive (y down)."""
    x, y = ring.T
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
