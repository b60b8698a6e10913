"""Publishing: whole or not at all, whatever happens on the way; the same work twice is the same run."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from gis.allocation.allocate import Allocation
from gis.allocation.ledger import Ledger
from gis.errors import CorruptObject, InvalidParameter, LedgerOpen, NotFound, RefusedInput, StorageError
from gis.workspace import Workspace
from gis.workspace import catalogue as tables
from gis.workspace.objects import ObjectStore, Session, Staged
from tests.workspace.made import allocation
from tests.workspace.writers import messages, start


def files(root: Path) -> set[str]:
    return {p.name for p in (root / "ws" / "objects").rglob("*") if p.is_file()}


def known(workspace: Workspace) -> set[str]:
    with workspace._catalogue.reading() as connection:
        return set(connection.execute(select(tables.objects.c.hash)).scalars())


def test_a_published_run_gives_back_what_was_allocated(tmp_path: Path) -> None:
    made = allocation(tmp_path / "in", gridded=True)
    with Workspace(tmp_path / "ws") as workspace:
        run = workspace.publish(made, label="first try")
        assert run.id.startswith("r-") and len(run.id) == 14
        assert (run.name, run.label) == ("made", "first try")
        assert run.keys() == made.keys() and run.tier_keys() == made.tier_keys()
        for key in made.keys():
            np.testing.assert_array_equal(run.layer(*key), made.layer(*key))
        for key in made.tier_keys():
            np.testing.assert_array_equal(run.tier_layer(*key), made.tier_layer(*key))
        np.testing.assert_array_equal(run.valid, made.valid)
        assert run.grid == made.grid
        np.testing.assert_array_equal(run.layers.values, made.layers.values)
        assert run.layer(2019, "nox", "road").sum() == 0.0
        run.ledger.check()
        assert known(workspace) == files(tmp_path)


def test_the_same_work_twice_is_one_run(tmp_path: Path) -> None:
    with Workspace(tmp_path / "ws") as workspace:
        first = workspace.publish(allocation(tmp_path / "in"))
        before = {p: p.stat().st_mtime_ns for p in (tmp_path / "ws" / "objects").rglob("*")}
        second = workspace.publish(allocation(tmp_path / "in"), name="better name")
        assert second.id == first.id and len(workspace.runs()) == 1
        assert second.name == "better name"
        assert {p: p.stat().st_mtime_ns for p in (tmp_path / "ws" / "objects").rglob("*")} == before
        assert list((tmp_path / "ws" / "tmp").iterdir()) == []


def test_another_workspace_gives_the_same_id_and_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with Workspace(tmp_path / name / "ws") as workspace:
            workspace.publish(allocation(tmp_path / "in"), name=name)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_other_content_is_another_run_and_names_find_the_newest(tmp_path: Path) -> None:
    with Workspace(tmp_path / "ws") as workspace:
        first = workspace.publish(allocation(tmp_path / "a", mass_t=1.0))
        second = workspace.publish(allocation(tmp_path / "b", mass_t=2.0))
        assert first.id != second.id
        assert workspace.run("made").id == workspace.run("latest").id == second.id
        assert workspace.run(first.id).total(2020, "nox").sum() < second.total(2020, "nox").sum()
        assert workspace.publish(allocation(tmp_path / "a", mass_t=1.0)).id == workspace.run("latest").id == first.id
        workspace.delete(first)
        assert workspace.run("latest").id == second.id
        with pytest.raises(NotFound, match=f"no run has the id or name 'nothing'.*{second.id}"):
            workspace.run("nothing")


@pytest.mark.parametrize("pause", ["staging", "before-keep", "after-keep"])
def test_kill_9_leaves_nothing_half_published_and_the_next_run_works(tmp_path: Path, pause: str) -> None:
    with Workspace(tmp_path / "ws") as workspace:
        before = workspace.publish(allocation(tmp_path / "first", mass_t=5.0))
        process, pipe = start(tmp_path, 7.0, pause)
        assert pipe.recv() == "here"
        process.kill()
        process.join()
        pipe.close()
        assert [run.id for run in workspace.runs()] == [before.id]
        after = workspace.publish(allocation(tmp_path / "inputs-7.0", mass_t=7.0))
        assert list((tmp_path / "ws" / "tmp").iterdir()) == []
        assert {run.id for run in workspace.runs()} == {before.id, after.id}
        assert workspace.verify_objects(after) == [] and workspace.verify_objects(before) == []
        workspace.prune()
        assert files(tmp_path) == known(workspace)


def test_kill_9_at_any_moment_leaves_a_run_whole_or_absent(tmp_path: Path) -> None:
    rng = random.Random(20)
    published = set()
    for attempt in range(5):
        process, pipe = start(tmp_path, 1.0 + attempt)
        assert pipe.recv() == "here"
        time.sleep(rng.uniform(0.0, 0.6))
        process.kill()
        process.join()
        published |= set(messages(pipe))
    with Workspace(tmp_path / "ws") as workspace:
        runs = workspace.runs()
        assert published <= {run.id for run in runs}
        for run in runs:
            assert workspace.verify_objects(run) == []
            run.ledger.check()
        workspace.prune()
        assert files(tmp_path) == known(workspace)
        workspace.publish(allocation(tmp_path / "last", mass_t=99.0))


def test_two_processes_publish_at_once(tmp_path: Path) -> None:
    writers = [start(tmp_path, mass_t) for mass_t in (1.0, 2.0, 1.0)]
    for process, _ in writers:
        process.join(timeout=120)
    found = [messages(pipe)[-1] for _, pipe in writers]
    with Workspace(tmp_path / "ws") as workspace:
        assert {run.id for run in workspace.runs()} == set(found) and len(set(found)) == 2
        for run in workspace.runs():
            assert workspace.verify_objects(run) == []


def test_a_full_disk_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = allocation(tmp_path / "in")
    true = Session.stage
    room = [100_000]

    def stage(self: Session, write: object, *, media_type: str) -> Staged:
        def write_as_far_as_there_is_room(file: object) -> None:
            class Disk:
                def write(self, data: bytes) -> int:
                    room[0] -= len(memoryview(data).cast("B"))
                    if room[0] < 0:
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    return int(file.write(data))  # type: ignore[attr-defined]

                closed = False

                def flush(self) -> None: ...

                def tell(self) -> int:
                    return int(file.tell())  # type: ignore[attr-defined]

            write(Disk())  # type: ignore[operator]

        return true(self, write_as_far_as_there_is_room, media_type=media_type)

    with Workspace(tmp_path / "ws") as workspace:
        for room[0] in (0, 2_000, 20_000, 60_000):
            with monkeypatch.context() as patch:
                patch.setattr(Session, "stage", stage)
                with pytest.raises(StorageError, match=r"ws/tmp/.*No space left on device"):
                    workspace.publish(made)
            assert workspace.runs() == [] and files(tmp_path) == set()
            assert list((tmp_path / "ws" / "tmp").iterdir()) == []
        assert workspace.publish(made).keys() == made.keys()


@pytest.mark.external
def test_a_truly_full_disk_publishes_nothing(tmp_path: Path) -> None:
    """On a file system of 1 MB, which takes the rights of an administrator to mount."""
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=True)
    try:
        made = allocation(tmp_path / "in")
        with Workspace(small) as workspace:
            filler = small / "filler"
            filler.write_bytes(bytes(700_000))
            with pytest.raises(StorageError, match=r"No space left on device|disk is full"):
                workspace.publish(made)
            assert workspace.runs() == []
            filler.unlink()
            workspace.publish(made)
            assert len(workspace.runs()) == 1
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_full_disk_while_names_are_given_rolls_the_catalogue_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = allocation(tmp_path / "in")
    true, count = os.replace, [0]

    def replace_some(source: object, target: object) -> None:
        count[0] += 1
        if count[0] > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        true(source, target)  # type: ignore[type-var]

    with Workspace(tmp_path / "ws") as workspace:
        monkeypatch.setattr(os, "replace", replace_some)
        with pytest.raises(StorageError, match="No space left"):
            workspace.publish(made)
        monkeypatch.undo()
        assert workspace.runs() == [] and known(workspace) == set() and len(files(tmp_path)) == 5
        assert workspace.prune().objects == 5 and files(tmp_path) == set()


def test_an_open_ledger_is_never_published(tmp_path: Path) -> None:
    made = allocation(tmp_path / "in")
    open_ledger = Ledger(
        made.ledger.table, made.ledger.layers.assign(allocated_t=lambda t: t["allocated_t"] + 1e-3), made.ledger.unread
    )
    made.__dict__["ledger"] = open_ledger
    with Workspace(tmp_path / "ws") as workspace:
        with pytest.raises(LedgerOpen):
            workspace.publish(made)
        assert workspace.runs() == [] and files(tmp_path) == set()


def test_a_layer_that_is_not_what_the_ledger_says_is_never_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = allocation(tmp_path / "in")
    made.ledger.check()
    true = Allocation.layer
    monkeypatch.setattr(Allocation, "layer", lambda self, *key: true(self, *key) * (1 + 1e-9))
    with Workspace(tmp_path / "ws") as workspace, pytest.raises(LedgerOpen, match="as written"):
        workspace.publish(made)


def test_input_that_changed_after_it_was_read_is_refused(tmp_path: Path) -> None:
    made = allocation(tmp_path / "in")
    (tmp_path / "in" / "plants.csv").write_text("other")
    with Workspace(tmp_path / "ws") as workspace:
        with pytest.raises(RefusedInput, match=r"plants\.csv: was changed after it was read"):
            workspace.publish(made)
        (tmp_path / "in" / "plants.csv").unlink()
        with pytest.raises(StorageError, match=r"plants\.csv: was read as input and is gone now"):
            workspace.publish(made)
        assert workspace.runs() == []


def test_a_corrupt_layer_names_object_and_run(tmp_path: Path) -> None:
    with Workspace(tmp_path / "ws") as workspace:
        run = workspace.publish(allocation(tmp_path / "in"))
        path = run.layer_path(2020, "nox", "power")
        data = bytearray(path.read_bytes())
        data[-100] ^= 1
        path.write_bytes(bytes(data))
        fresh = Workspace(tmp_path / "ws").run(run.id)
        with pytest.raises(CorruptObject, match=f"object {path.name} of run {run.id}"):
            fresh.layer(2020, "nox", "power")
        assert fresh.layer(2020, "nox", "steel").sum() == 33.25
        path.write_bytes(bytes(data[:-10]))
        with pytest.raises(CorruptObject, match=f"{len(data) - 10} bytes instead of {len(data)}"):
            fresh.layer(2020, "nox", "power")


def test_prune_frees_what_no_run_needs_and_nothing_else(tmp_path: Path) -> None:
    with Workspace(tmp_path / "ws") as workspace:
        first = workspace.publish(allocation(tmp_path / "a", mass_t=1.0))
        second = workspace.publish(allocation(tmp_path / "b", mass_t=2.0))
        assert workspace.prune().objects == 0
        shared = {*first.entry.sizes} & {*second.entry.sizes}
        assert shared  # geometry, weights and layers of the other sectors are the same objects
        workspace.delete(first)
        done = workspace.prune()
        assert done.objects == len({*first.entry.sizes} - shared) and done.size > 0
        assert files(tmp_path) == {*second.entry.sizes} == known(workspace)
        assert workspace.verify_objects(second) == []


def test_foreign_keys_hold(tmp_path: Path) -> None:
    with Workspace(tmp_path / "ws") as workspace:
        run = workspace.publish(allocation(tmp_path / "in"))
        workspace.delete(run)
        with workspace._catalogue.reading() as connection:
            for table in (tables.layers, tables.run_objects, tables.pointers):
                assert connection.execute(select(func.count()).select_from(table)).scalar() == 0


def test_names_have_bounds_and_unknown_keys_are_named(tmp_path: Path) -> None:
    made = allocation(tmp_path / "in")
    with Workspace(tmp_path / "ws") as workspace:
        with pytest.raises(InvalidParameter, match="1 to 200 characters"):
            workspace.publish(made, name="")
        run = workspace.publish(made)
        with pytest.raises(InvalidParameter, match=r"species 'so2' is not in run .*co2, nox"):
            run.layer(2020, "so2", "power")
        with pytest.raises(InvalidParameter, match="year 1999"):
            run.total(1999, "nox")


def test_a_workspace_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file"):
        Workspace(tmp_path / "file")


def test_inputs_outside_the_description_are_kept_by_name(tmp_path: Path) -> None:
    made = allocation(tmp_path / "in")
    inventory = made.inventory
    made.inventory = replace(inventory, inputs=(replace(inventory.inputs[0], name="../elsewhere/plants.csv"),))
    with Workspace(tmp_path / "ws") as workspace:
        run = workspace.publish(made)
        assert run.members("input") == ("../elsewhere/plants.csv",)


def test_object_store_needs_a_session_for_every_writer(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    one, two = store.open_session(), store.open_session()
    assert one.directory != two.directory
    assert store.sweep() == (0, 0)
    one.close()
    two.close()
