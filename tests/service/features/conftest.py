"""Fixtures of features: the library of the published province, and its collections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.features.collection import Collection
from service.features.collections import collection_of, collections_of
from service.features.geojson import feature_collection
from service.features.query import read_query
from service.features.select import select
from service.library import Library
from service.settings import Settings

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def library(published: Path) -> Iterator[Library]:
    library = Library(Settings(workspace=published))
    yield library
    library.close()


@pytest.fixture(scope="session")
def collections(library: Library) -> dict[str, Collection]:
    """By what they are: "units", "hotspots", "zoned" (cells of the newest zoning), "cells" (of the run), …"""
    found = {}
    for collection in reversed(collections_of(library)):
        name = "zoned" if collection.id.startswith("z-") and collection.kind == "cells" else str(collection.kind)
        found[name] = collection_of(library, collection.id)
    return found


@pytest.fixture(scope="session")
def ask(library: Library, collections: dict[str, Collection]) -> Ask:
    """The decoded FeatureCollection that a request gets."""

    def asked(which: str, /, **parameters: str) -> dict[str, Any]:
        collection = collections[which]
        names = {k.replace("__", "-"): v for k, v in parameters.items()}
        page = select(collection, read_query(collection, names, library.settings))
        found: dict[str, Any] = orjson.loads(feature_collection(page, {}))
        found["more"] = page.more
        return found

    return asked


@pytest.fixture(scope="session")
def whole(ask: Ask) -> Callable[[str], list[dict[str, Any]]]:
    kept: dict[str, list[dict[str, Any]]] = {}

    def features(which: str) -> list[dict[str, Any]]:
        if which not in kept:
            kept[which] = ask(which, limit="50000")["features"]
        return kept[which]

    return features
