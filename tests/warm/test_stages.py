"""Stages of compiling: each task in one of them, and after the first three nothing is left to compile on the way to the map."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gis.warm import TASKS, Compiling, Stage
from gis.warm.__main__ import main
from gis.warm.tasks import tasks

ROOT = Path(__file__).parents[2]


def test_every_task_stands_in_one_stage() -> None:
    named = [name for stage in Stage for name in TASKS[stage]]
    assert sorted(named) == sorted(tasks()) and len(named) == len(set(named))
    assert list(TASKS) == list(Stage)


def test_a_stage_that_is_not_known_is_refused() -> None:
    with pytest.raises(SystemExit, match="no stage nonsense; there are gridding, zoning, looking, rest"):
        main(["gridding", "nonsense"])


@pytest.mark.slow
def test_who_leaves_early_leaves_nobody_behind() -> None:
    with Compiling((Stage.GRIDDING, Stage.ZONING)) as compiling:
        children = set(compiling._children)
        assert children and all(c.is_alive() for c in children)
    until = time.monotonic() + 10
    while any(c.is_alive() for c in children) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(c.is_alive() for c in children)


@pytest.mark.slow
def test_a_stage_can_be_waited_for() -> None:
    said: list[tuple[int, int]] = []
    with Compiling((Stage.GRIDDING,), processes=1) as compiling:
        compiling.wait(Stage.GRIDDING, progress=lambda _, done, total: said.append((done, total)))
    assert said == [(i + 1, len(TASKS[Stage.GRIDDING])) for i in range(len(TASKS[Stage.GRIDDING]))]


@pytest.mark.slow
def test_the_demo_compiles_nothing_that_its_stages_had_not(tmp_path: Path) -> None:
    kernels = tmp_path / "kernels"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(kernels)}
    stages = [str(s) for s in Stage if s is not Stage.REST]
    subprocess.run([sys.executable, "-m", "gis.warm", *stages], cwd=ROOT, env=environment, check=True)
    before = {p.name for p in kernels.rglob("*.nbc")}
    subprocess.run(
        [Path(sys.executable).parent / "cozone", "demo", "--no-serve", "--workspace", tmp_path / "ws"],
        cwd=ROOT, env=environment, check=True,
    )  # fmt: skip
    assert {p.name for p in kernels.rglob("*.nbc")} - before == set()
