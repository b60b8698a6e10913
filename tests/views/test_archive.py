"""Archives: the same tiles as those served, in one file that is whole."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from pmtiles.reader import MemorySource, Reader, all_tiles

from gis.errors import InvalidParameter, NotFound
from gis.tiles.matrices import MATRICES, Tile
from gis.views import Views
from gis.views.archive import ArchiveOptions, archive, archive_layers
from gis.views.pictures import raster_tile
from gis.views.vectors import vector_tile
from gis.workspace import Run, StoredZoning
from tests.views.test_vectors import tiles_of

MERCATOR = MATRICES["WebMercatorQuad"]


def read(path: Path) -> Reader:
    return Reader(MemorySource(path.read_bytes()))


def test_an_archive_has_the_tiles_that_are_served(views: Views, zoning: StoredZoning, run: Run, tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    made = archive(
        views, zoning, run, "units", tmp_path / "deep" / "units.pmtiles", ArchiveOptions(maxzoom=9),
        progress=lambda what, done, of: said.append((what, done, of)),
    )  # fmt: skip
    reader = read(made.path)
    tiles = dict(all_tiles(reader.get_bytes))
    assert made.tiles == len(tiles) > 10 and (made.minzoom, made.maxzoom) == (0, 9)
    expected = {
        (z, t.x, t.y): data
        for z in range(10)
        for t in tiles_of(run.grid, MERCATOR, z)
        if (data := vector_tile(views, zoning, run, "units", t, {})) is not None
    }
    # Tiles around the grid may have copies of what is counted inside it; nothing is counted in them.
    assert set(tiles) <= set(expected)
    assert {at: gzip.decompress(data) for at, data in tiles.items()} == {at: expected[at] for at in tiles}
    metadata = reader.metadata()
    assert metadata["vector_layers"][0]["id"] == "units" and metadata["vector_layers"][0]["fields"]["unit"] == "String"
    assert metadata["cozone"]["id"] == zoning.id and metadata["cozone"]["manifest"] == zoning.entry.manifest
    assert zoning.id in metadata["attribution"]
    assert said and all(done < of for _, done, of in said)
    assert list(made.path.parent.iterdir()) == [made.path]


def test_pictures_with_parameters_and_style(views: Views, run: Run, tmp_path: Path) -> None:
    options = ArchiveOptions(minzoom=5, maxzoom=8, parameters={"year": str(run.years[0])})
    reader = read(archive(views, run, run, "density-co2", tmp_path / "a.pmtiles", options).path)
    tiles = dict(all_tiles(reader.get_bytes))
    assert {z for z, _, _ in tiles} == {5, 6, 7, 8}
    for (z, x, y), data in tiles.items():
        assert data == raster_tile(views, run, run, "density-co2", Tile(MERCATOR, z, x, y), options.parameters, None)
    assert reader.metadata()["legend"]["entries"]
    assert reader.metadata()["cozone"]["parameters"] == {"year": str(run.years[0])}


def test_the_same_result_makes_the_same_file(views: Views, zoning: StoredZoning, run: Run, tmp_path: Path) -> None:
    for layer in ("cells", "zoned"):
        a, b = (archive(views, zoning, run, layer, tmp_path / n, ArchiveOptions(maxzoom=8)).path for n in ("a", "b"))
        assert a.read_bytes() == b.read_bytes()


def test_facilities_are_archived_on_request_only(views: Views, zoning: StoredZoning, run: Run, tmp_path: Path) -> None:
    assert "sources" not in archive_layers(zoning, run, facilities=False)
    with pytest.raises(NotFound, match="no layer 'sources'"):
        archive(views, zoning, run, "sources", tmp_path / "a.pmtiles")
    assert not (tmp_path / "a.pmtiles").exists()
    options = ArchiveOptions(facilities=True, maxzoom=3)
    assert archive(views, zoning, run, "sources", tmp_path / "a.pmtiles", options).tiles > 0


def test_what_cannot_be_archived_is_refused_and_leaves_nothing(
    views: Views, zoning: StoredZoning, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "a.pmtiles"
    path.write_bytes(b"older")
    for options, words in (
        (ArchiveOptions(matrix="CGCS2000Quad"), "PMTiles holds tiles of WebMercatorQuad"),
        (ArchiveOptions(maxzoom=23), "zooms 0 to 23"),
        (ArchiveOptions(minzoom=5, maxzoom=4), "zooms 5 to 4"),
        (ArchiveOptions(style="grey"), "no styles"),
        (ArchiveOptions(parameters={"share": "0.1"}), "no parameter 'share'"),
        (ArchiveOptions(most_tiles=20, maxzoom=9), "more than 20 tiles"),
    ):
        with pytest.raises(InvalidParameter, match=words):
            archive(views, zoning, run, "units", path, options)
    with pytest.raises(NotFound, match="tile matrix set"):
        archive(views, zoning, run, "units", path, ArchiveOptions(matrix="x"))
    with pytest.raises(NotFound, match="to archive"):
        archive(views, zoning, run, "unit", path)
    with pytest.raises(InvalidParameter, match="directory"):
        archive(views, zoning, run, "units", tmp_path)
    assert path.read_bytes() == b"older" and list(tmp_path.iterdir()) == [path]
