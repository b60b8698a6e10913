"""Palette PNGs, decoded by two other libraries."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rasterio.io import MemoryFile

from gis.errors import InvalidParameter
from gis.tiles.png import EMPTY_PNG, png


def colours(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 4)).astype(np.uint8)


def decoded(data):
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture.mode, np.asarray(picture.convert("RGBA"))


def chunks(data):
    at = 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == int.from_bytes(data[at + 8 + length : at + 12 + length])
        yield kind, body
        at += 12 + length


@given(st.sampled_from([1, 2, 3, 4, 5, 16, 17, 256]), st.integers(1, 70), st.integers(1, 70), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_every_depth_and_width_comes_back(n, height, width, seed) -> None:
    rng = np.random.default_rng(seed)
    indices = rng.integers(0, n, (height, width)).astype(np.uint8)
    palette = colours(n, seed)
    mode, picture = decoded(png(indices, palette))
    assert mode == "P"
    np.testing.assert_array_equal(picture, palette[indices])


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # a picture has no place
def test_gdal_reads_it_too() -> None:
    indices = np.random.default_rng(1).integers(0, 200, (256, 256)).astype(np.uint8)
    palette = colours(200)
    with MemoryFile(png(indices, palette)) as file, file.open() as raster:
        np.testing.assert_array_equal(raster.read(1), indices)
        assert raster.colormap(1)[7] == tuple(palette[7].tolist())


@pytest.mark.parametrize(("used", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (256, 8)])
def test_a_picture_is_as_deep_as_its_colours_need(used, bits) -> None:
    indices = (
        np.arange(256, dtype=np.uint8).reshape(16, 16) % used
        if used < 256
        else np.arange(256, dtype=np.uint8).reshape(16, 16)
    )
    data = dict(chunks(png(indices.astype(np.uint8), colours(256))))
    assert data[b"IHDR"][8] == bits
    assert len(data[b"PLTE"]) == 3 * used


def test_a_style_changes_the_palette_alone() -> None:
    indices = np.random.default_rng(1).integers(0, 9, (256, 256)).astype(np.uint8)
    a, b = (dict(chunks(png(indices, colours(9, seed)))) for seed in (1, 2))
    assert a[b"IDAT"] == b[b"IDAT"] and a[b"PLTE"] != b[b"PLTE"]


def test_full_opacity_is_left_out() -> None:
    palette = colours(9)
    palette[:, 3] = 255
    indices = np.arange(9, dtype=np.uint8).reshape(3, 3)
    assert b"tRNS" not in dict(chunks(png(indices, palette)))
    palette[0, 3] = 0
    assert dict(chunks(png(indices, palette)))[b"tRNS"] == b"\0"


def test_the_empty_tile() -> None:
    _, picture = decoded(EMPTY_PNG)
    assert picture.shape == (256, 256, 4) and not picture.any() and len(EMPTY_PNG) < 200


def test_what_is_no_plane_of_indices_is_refused() -> None:
    ok = np.zeros((4, 4), np.uint8)
    for indices, palette in (
        (ok.astype(np.int64), colours(2)), (ok[0], colours(2)), (np.zeros((0, 4), np.uint8), colours(2)),
        (ok + np.uint8(2), colours(2)), (ok, colours(2)[:, :3]), (ok, colours(2).astype(float)),
    ):  # fmt: skip
        with pytest.raises(InvalidParameter):
            png(indices, palette)
