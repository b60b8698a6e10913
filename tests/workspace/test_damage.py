"""Damage done to a workspace from outside: published objects survive it, or are mended from the same inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gis.errors import StorageError
from gis.workspace import Workspace
from tests.workspace.made import allocation


@pytest.mark.parametrize("how", ["emptied", "removed"])
def test_a_catalogue_that_lost_its_runs_is_no_new_one(tmp_path: Path, how: str) -> None:
    with Workspace(tmp_path / "ws") as workspace:
        workspace.publish(allocation(tmp_path / "in"))
    for path in (tmp_path / "ws").glob("catalogue.sqlite*"):
        path.unlink()
    if how == "emptied":
        (tmp_path / "ws" / "catalogue.sqlite").touch()
    with pytest.raises(StorageError, match=r"objects of runs it no longer knows; restore it"):
        Workspace(tmp_path / "ws")
    assert any(p.is_file() for p in (tmp_path / "ws" / "objects").glob("*/*"))


def test_publishing_again_mends_what_was_damaged(tmp_path: Path) -> None:
    made = allocation(tmp_path / "in")
    with Workspace(tmp_path / "ws") as workspace:
        first = workspace.publish(made)
    layer, members = first.layer_path(2020, "nox", "power"), (tmp_path / "ws" / "objects").glob("*/*")
    layer.write_bytes(b"")
    gone = next(p for p in members if p != layer and p.name in first.entry.sizes)
    gone.unlink()
    with Workspace(tmp_path / "ws") as workspace:
        assert workspace.publish(made).id == first.id
        assert workspace.verify_objects(workspace.run(first.id)) == []
