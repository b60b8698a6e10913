"""Results by id and pointer, opened once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gis.errors import NotFound
from gis.workspace import Run, StoredComparison, StoredZoning, Workspace
from service.library import Library
from service.settings import Settings


@pytest.fixture(scope="module")
def library(published: Path) -> Iterator[Library]:
    found = Library(Settings(workspace=published))
    yield found
    found.close()


def test_pointers_name_the_newest(library: Library) -> None:
    kept = library.workspace
    assert library.resolve("latest") == library.resolve("z-latest") == kept.zoning("latest").id
    assert library.resolve("r-latest") == kept.run("latest").id
    assert library.resolve("c-latest") == kept.comparison("latest").id


def test_results_are_opened_once(library: Library) -> None:
    for which, kind in (("r-latest", Run), ("z-latest", StoredZoning), ("c-latest", StoredComparison)):
        found = library.result(which)
        assert isinstance(found, kind) and library.result(found.id) is found
    assert {r.id for r in library.results()} >= {library.resolve(p) for p in ("r-latest", "z-latest", "c-latest")}


def test_a_zoning_leads_to_its_run(library: Library) -> None:
    assert library.run("z-latest") is library.run("r-latest")
    with pytest.raises(NotFound, match="no run"):
        library.run("c-latest")
    with pytest.raises(NotFound, match="no zoning"):
        library.zoning("r-latest")
    with pytest.raises(NotFound, match="no comparison"):
        library.comparison("z-latest")


@pytest.mark.parametrize(
    "which",
    [
        "",
        "r-",
        "r-0123456789AB",
        "../../etc/passwd",
        "r-0123456789ab/..",
        "province",
        "z-0123456789ab\n",
        "r-%2e%2e",
        "x-latest",
    ],
)
def test_what_is_no_id_is_not_looked_for(library: Library, which: str) -> None:
    with pytest.raises(NotFound):
        library.result(which)


def test_a_result_that_is_not_there_and_an_empty_workspace(library: Library, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no result has the id r-000000000000"):
        library.result("r-000000000000")
    Workspace(tmp_path / "ws").close()
    empty = Library(Settings(workspace=tmp_path / "ws"))
    with pytest.raises(NotFound, match="nothing is published"):
        empty.resolve("latest")
    empty.close()
    with pytest.raises(NotFound, match="holds no workspace"):
        Library(Settings(workspace=tmp_path / "none"))
