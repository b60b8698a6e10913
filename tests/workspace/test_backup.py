"""Backups: one state of the workspace, whoever writes meanwhile; an earlier one stands until the new one is whole."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

import gis.workspace.backup
from gis.errors import CorruptObject, InvalidParameter, NotFound, StorageError
from gis.workspace import Workspace
from gis.workspace.backup import backup
from gis.zoning.comparison import compare
from tests.workspace.zoned import published_run, zoning_of


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("backup")
    with Workspace(root / "ws") as workspace:
        run = published_run(workspace, root / "in")
        a = workspace.publish_zoning(zoning_of(run))
        b = workspace.publish_zoning(zoning_of(run, moved=2))
        workspace.publish_comparison(compare(a.zoning, b.zoning), a, b)
    return root / "ws"


@pytest.fixture
def workspace(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "ws"))


def whole(directory: Path) -> list[str]:
    """Ids of all results, every object of which has its bytes."""
    with Workspace(directory) as kept:
        results = [*kept.runs(), *kept.zonings(), *kept.comparisons()]
        for result in results:
            assert kept.verify_objects(result) == []
        return sorted(r.id for r in results)


def leftovers(directory: Path) -> list[Path]:
    return [p for p in directory.rglob("*") if p.name.startswith(".") or p.suffix == ".part"]


def test_a_backup_is_a_workspace_with_the_same_results(workspace: Path, tmp_path: Path) -> None:
    done = backup(workspace, tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy" / "catalogue.sqlite") as connection:
        (count, size) = connection.execute("SELECT count(*), sum(size) FROM objects").fetchone()
    assert (done.copied, done.kept, done.size) == (count, 0, size)
    assert len(whole(workspace)) == 4 and whole(tmp_path / "copy") == whole(workspace)
    with Workspace(tmp_path / "copy") as kept, Workspace(workspace) as of:
        assert kept.zoning("latest").id == of.zoning("latest").id
        assert kept.verify_comparison(kept.comparison("latest")) == ()
    assert leftovers(tmp_path / "copy") == []


def test_what_is_there_is_not_copied_again(workspace: Path, tmp_path: Path) -> None:
    first = backup(workspace, tmp_path / "copy")
    again = backup(workspace, tmp_path / "copy")
    assert (again.copied, again.kept, again.size) == (0, first.copied, 0)
    with Workspace(workspace) as kept:
        kept.publish_zoning(zoning_of(kept.run("latest"), moved=3))
    more = backup(workspace, tmp_path / "copy")
    assert 0 < more.copied < first.copied and whole(tmp_path / "copy") == whole(workspace)


def test_databases_and_folders_beside_the_catalogue(workspace: Path, tmp_path: Path) -> None:
    with sqlite3.connect(workspace / "service.sqlite") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE keys (name TEXT)")
        connection.execute("INSERT INTO keys VALUES ('office')")
    (workspace / "inventories" / "demo").mkdir(parents=True)
    (workspace / "inventories" / "demo" / "a.csv").write_text("1", "utf-8")
    (workspace / "views").mkdir(exist_ok=True)
    (workspace / "views" / "made-again").write_text("", "utf-8")
    target = tmp_path / "copy"
    for _ in range(2):
        backup(workspace, target, databases=("service.sqlite", "none.sqlite"), folders=("inventories", "none"))
        with sqlite3.connect(target / "service.sqlite") as connection:
            assert connection.execute("SELECT name FROM keys").fetchall() == [("office",)]
        connection.close()
    assert (target / "inventories" / "demo" / "a.csv").read_text("utf-8") == "1"
    assert {p.name for p in target.iterdir()} == {"catalogue.sqlite", "service.sqlite", "objects", "inventories"}
    (workspace / "inventories" / "demo" / "a.csv").write_text("22", "utf-8")
    backup(workspace, target, folders=("inventories",))
    assert (target / "inventories" / "demo" / "a.csv").read_text("utf-8") == "22"


def test_it_is_one_state_while_others_publish_and_remove(workspace: Path, tmp_path: Path) -> None:
    stop, faults = threading.Event(), []

    def write() -> None:
        try:
            with Workspace(workspace) as kept:
                run, turn = kept.run("latest"), 0
                while not stop.is_set():
                    made = kept.publish_zoning(zoning_of(run, scale=2.0 + turn % 7))
                    if turn % 2:
                        kept.delete_zoning(made)
                    turn += 1
        except Exception as error:
            faults.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        states = []
        for i in range(6):
            backup(workspace, tmp_path / f"copy-{i % 2}")
            states.append(whole(tmp_path / f"copy-{i % 2}"))
    finally:
        stop.set()
        writer.join()
    assert faults == [] and len({tuple(s) for s in states}) > 1, "nothing was written meanwhile"


def test_cut_off_the_earlier_backup_stands(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup(workspace, tmp_path / "copy")
    before = whole(tmp_path / "copy")
    with Workspace(workspace) as kept:
        kept.publish_zoning(zoning_of(kept.run("latest"), moved=3))
    copy, calls = gis.workspace.backup._copy_object, []

    def cut_off(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) > 2:
            raise KeyboardInterrupt
        copy(source, target)

    monkeypatch.setattr(gis.workspace.backup, "_copy_object", cut_off)
    with pytest.raises(KeyboardInterrupt):
        backup(workspace, tmp_path / "copy")
    monkeypatch.undo()
    assert whole(tmp_path / "copy") == before and leftovers(tmp_path / "copy") == []
    backup(workspace, tmp_path / "copy")
    assert whole(tmp_path / "copy") == whole(workspace) != before


def first_object(directory: Path) -> Path:
    return min(p for p in (directory / "objects").glob("*/*"))


def test_a_damaged_object_is_not_backed_up(workspace: Path, tmp_path: Path) -> None:
    path = first_object(workspace)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptObject, match=path.name):
        backup(workspace, tmp_path / "copy")
    assert not (tmp_path / "copy" / "catalogue.sqlite").exists() and leftovers(tmp_path / "copy") == []
    path.unlink()
    with pytest.raises(StorageError, match="is gone"):
        backup(workspace, tmp_path / "copy")


def test_checking_mends_what_went_bad_in_the_backup(workspace: Path, tmp_path: Path) -> None:
    backup(workspace, tmp_path / "copy")
    path = first_object(tmp_path / "copy")
    path.write_bytes(bytes(path.stat().st_size))
    assert backup(workspace, tmp_path / "copy").copied == 0  # by its length it is whole
    assert backup(workspace, tmp_path / "copy", check=True).copied == 1
    assert whole(tmp_path / "copy") == whole(workspace)


def test_a_log_of_an_earlier_database_does_not_stay(workspace: Path, tmp_path: Path) -> None:
    backup(workspace, tmp_path / "copy")
    for ending in ("-wal", "-shm"):
        (tmp_path / "copy" / f"catalogue.sqlite{ending}").write_bytes(b"of another")
    backup(workspace, tmp_path / "copy")
    assert whole(tmp_path / "copy") == whole(workspace)


def test_a_damaged_catalogue_is_told(workspace: Path, tmp_path: Path) -> None:
    for beside in workspace.glob("catalogue.sqlite-*"):
        beside.unlink()
    (workspace / "catalogue.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match=r"catalogue\.sqlite"):
        backup(workspace, tmp_path / "copy")
    assert leftovers(tmp_path / "copy") == []


def test_strange_places_are_refused(workspace: Path, tmp_path: Path) -> None:
    other = tmp_path / "letters"
    other.mkdir()
    (other / "letter.txt").write_text("Dear", "utf-8")
    (tmp_path / "file").write_text("", "utf-8")
    for target in (workspace, workspace / "backup", workspace.parent, other, tmp_path / "file"):
        with pytest.raises(InvalidParameter):
            backup(workspace, target)
    with pytest.raises(NotFound):
        backup(other, tmp_path / "copy")
    assert [p.name for p in other.iterdir()] == ["letter.txt"]
