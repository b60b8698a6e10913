"""The demo: made once, made again where it has to be, served on a port that is free, ended in order."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gis.errors import InvalidParameter, NotFound, StorageError
from gis.warm import Stage
from gis.workspace import Workspace
from service.cli import app
from service.cli import demo as command
from service.cli.province import Progress, Province
from tests.service.cli.provinces import YEARS, write_province

ROOT = Path(__file__).parents[3]
COZONE = Path(sys.executable).parent / "cozone"
FIRST, LAST = YEARS


class Steps:
    """Steps as they were begun; one of them may be the last that this process lives to see."""

    def __init__(self, killed_at: str = "never") -> None:
        self.begun: list[str] = []
        self.waited: list[Stage] = []
        self._killed_at = killed_at

    @contextmanager
    def __call__(self, text: str) -> Iterator[Progress]:
        self.begun.append(text.split(" /")[0])
        if text.startswith(self._killed_at):
            raise SystemExit(9)
        yield lambda *_: None

    def wait(self, stage: Stage, progress: Progress) -> None:
        self.waited.append(stage)


ZONING_FIRST, ZONING_LAST, COMPARING = f"zoning {FIRST}", f"zoning {LAST}", f"comparing {FIRST} and {LAST}"
SHOWING = "preparing the map, a picture and the review reports"
ALL = ["gridding", ZONING_FIRST, ZONING_LAST, COMPARING, SHOWING]


def make(folder: Path, directory: Path, killed_at: str = "never") -> Steps:
    steps = Steps(killed_at)
    Province(folder, directory).make(steps, steps.wait)
    return steps


def ids(directory: Path) -> tuple[str, list[str], str]:
    """The run, the zonings newest first, the comparison: those that requests for the latest would get."""
    with Workspace(directory) as kept:
        zonings = [kept.zoning("latest").id, *sorted(z.id for z in kept.zonings())]
        return kept.run("latest").id, zonings, kept.comparison("latest").id


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_province(tmp_path_factory.mktemp("province"))


@pytest.fixture(scope="module")
def made(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole demo workspace. Not to be written to: copy it."""
    directory = tmp_path_factory.mktemp("made") / "ws"
    steps = make(folder, directory)
    assert steps.begun == ALL
    assert steps.waited == [Stage.GRIDDING, Stage.ZONING, Stage.ZONING, Stage.LOOKING]
    return directory


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "ws"))


def test_it_is_whole(folder: Path, made: Path) -> None:
    assert Province(folder, made).is_made()
    with Workspace(made) as kept:
        assert [z.year for z in kept.zonings()] == [LAST, FIRST] and kept.zoning("latest").year == LAST
        comparison = kept.comparison("latest")
        assert (kept.zoning(comparison.a).year, kept.zoning(comparison.b).year) == YEARS
        assert len(kept.zoning("latest").zoning.tables["units"]) > 0
    for name in ("demo-co2.png", "review-zh.html", "review-en.html"):
        assert (made / name).stat().st_size > 10_000
    assert any((made / "views").rglob("*"))


def test_what_is_there_is_not_made_again(folder: Path, copy: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (copy / "objects").rglob("*") if p.is_file()}
    assert make(folder, copy).begun == [SHOWING]
    assert {p: p.stat().st_mtime_ns for p in (copy / "objects").rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("position", (0, 2, 4))
def test_after_a_kill_it_goes_on_where_it_was(folder: Path, made: Path, tmp_path: Path, position: int) -> None:
    directory = tmp_path / "ws"
    with pytest.raises(SystemExit):
        make(folder, directory, killed_at=ALL[position])
    (directory / "tmp" / "1-left").mkdir(parents=True)  # as a killed writer leaves it
    assert not Province(folder, directory).is_made()
    assert make(folder, directory).begun == ALL[position:]
    assert Province(folder, directory).is_made() and ids(directory) == ids(made)


def test_changed_data_are_noticed_and_made_anew(made: Path, copy: Path, tmp_path: Path) -> None:
    changed = write_province(tmp_path / "changed", factor=3.0)
    assert not Province(changed, copy).is_made()
    assert make(changed, copy).begun == ALL
    run, zonings, comparison = ids(copy)
    assert run != ids(made)[0] and zonings[0] != ids(made)[1][0] and comparison != ids(made)[2]


def test_a_new_version_is_noticed(folder: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis.workspace.manifest.made_with", lambda: {"cozone": "99"})
    assert not Province(folder, copy).is_made()


@pytest.mark.parametrize(("which", "again"), [("zoning", ALL[1:]), ("comparison", ALL[3:])])
def test_a_damaged_object_is_mended(folder: Path, made: Path, copy: Path, which: str, again: list[str]) -> None:
    with Workspace(copy) as kept:
        first = next(z for z in kept.zonings() if z.year == FIRST)
        result = first if which == "zoning" else kept.comparison("latest")
        others = {h for r in (kept.run("latest"), *kept.zonings()) if r.id != result.id for h in r.entry.sizes}
        path = next(kept.path / "objects" / h[:2] / h for h in sorted(result.entry.sizes) if h not in others)
    content = path.read_bytes()
    path.write_bytes(bytes(len(content)))
    assert not Province(folder, copy).is_made()
    # Zonings after a damaged one are published again, too: the newest stays that of the last year.
    assert make(folder, copy).begun == again
    assert path.read_bytes() == content and Province(folder, copy).is_made() and ids(copy) == ids(made)


def test_a_catalogue_that_cannot_be_read_is_set_aside(folder: Path, made: Path, copy: Path) -> None:
    for beside in copy.glob("catalogue.sqlite-*"):
        beside.unlink()
    (copy / "catalogue.sqlite").write_bytes(b"no catalogue" * 1000)
    assert not Province(folder, copy).is_made()
    assert make(folder, copy).begun == ALL
    assert ids(copy) == ids(made)
    aside = copy.with_name("ws-damaged-1")
    assert (aside / "catalogue.sqlite").read_bytes().startswith(b"no catalogue") and (aside / "objects").is_dir()


def test_a_workspace_of_others_is_not_set_aside(folder: Path, tmp_path: Path) -> None:
    directory = tmp_path / "ws"
    directory.mkdir()
    (directory / "catalogue.sqlite").write_bytes(b"no catalogue" * 1000)
    with pytest.raises(StorageError):
        make(folder, directory)
    assert [p.name for p in tmp_path.iterdir()] == ["ws"]


@pytest.mark.parametrize("content", ["", "[]", "null", '{"of": 1}', '{"zonings": 3}', "\x00"])
def test_a_record_that_cannot_be_read_is_none(folder: Path, copy: Path, content: str) -> None:
    (copy / "demo.json").write_text(content, "utf-8")
    assert not Province(folder, copy).is_made()
    assert Province(folder, copy).record.run == ""


def test_a_folder_without_what_it_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no inventory\.toml"):
        Province(tmp_path, tmp_path / "ws")
    folder = write_province(tmp_path / "two")
    shutil.copy(folder / "grid-1km.toml", folder / "grid-2km.toml")
    with pytest.raises(InvalidParameter, match="2 files"):
        Province(folder, tmp_path / "ws")


# -- the command ------------------------------------------------------------------------------------------------------


def test_steps_are_said_and_the_second_time_there_are_none(
    folder: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def compiled() -> Iterator[object]:
        yield lambda *_: None

    monkeypatch.setattr(command, "_compiling", compiled)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    (copy / "review-en.html").unlink()
    arguments = ["demo", str(folder), "--workspace", str(copy), "--no-serve"]
    first, second = (CliRunner().invoke(app, arguments) for _ in range(2))
    assert first.exit_code == second.exit_code == 0
    assert f"1. {SHOWING}" in first.output and (copy / "review-en.html").exists()
    assert second.output.strip() == f"ready: cozone serve --workspace {copy}"


def test_a_taken_port_leads_to_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < command._free_port("127.0.0.1", port) <= port + 100
        free = command._free_port("127.0.0.1", 0)
        assert free not in (0, port)
    assert command._free_port("127.0.0.1", port) == port


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("a.b", "a.b")],
)
def test_the_address_is_one_that_a_browser_here_can_open(host: str, name: str) -> None:
    assert command._name(host) == name


# -- as a newcomer starts it ------------------------------------------------------------------------------------------


def start(*options: object, **more: str) -> subprocess.Popen[str]:
    arguments = [str(COZONE), "demo", *map(str, options)]
    return subprocess.Popen(
        arguments, cwd=ROOT, env={**os.environ, **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def ready(server: subprocess.Popen[str], port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(server.communicate()[1])


@pytest.mark.slow
def test_the_demo_is_killed_recovers_and_is_shown(tmp_path: Path) -> None:
    directory = tmp_path / "ws"
    killed = start("--workspace", directory, "--no-serve")
    assert killed.stdout is not None and killed.stderr is not None
    for line in killed.stderr:
        if line.startswith("2."):
            break
    killed.kill()  # the process alone: those it started have to notice by themselves
    killed.wait(60)
    killed.stdout.close()
    killed.stderr.close()
    again = start("--workspace", directory, "--no-serve")
    said = again.communicate(timeout=600)[1]
    assert again.returncode == 0 and "gridding" not in said and "1. zoning 2019" in said, said
    assert not list((directory / "tmp").iterdir()) or Workspace(directory).prune().objects >= 0
    run, zonings, _ = ids(directory)
    objects = sorted(p.name for p in (directory / "objects").rglob("*") if p.is_file())
    _is_shown_on_the_next_port(directory)
    assert sorted(p.name for p in (directory / "objects").rglob("*") if p.is_file()) == objects
    assert ids(directory)[:2] == (run, zonings)


def _is_shown_on_the_next_port(directory: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = start("--workspace", directory, "--port", port)
        assert server.stdout is not None and server.stderr is not None
        try:
            said = next(line for line in server.stderr if "taken" in line)
            free = int(said.rsplit(" ", 1)[1])
            ready(server, free)
            assert any(f"http://127.0.0.1:{free}/" in server.stdout.readline() for _ in range(3))
            with urllib.request.urlopen(f"http://127.0.0.1:{free}/api/results/latest", timeout=60) as answer:
                assert json.load(answer)["years"] == [2023]
            # The plants are invented: whoever looks may see them.
            with urllib.request.urlopen(
                f"http://127.0.0.1:{free}/tiles/latest/sources/WebMercatorQuad/7/108/51.mvt", timeout=60
            ) as answer:
                assert answer.status == 200
        finally:
            os.killpg(server.pid, signal.SIGINT)  # as Ctrl-C in a terminal reaches all of them
            rest = server.communicate(timeout=60)
    assert server.returncode == 0 and "Traceback" not in "".join(rest), rest


@pytest.mark.slow
def test_ctrl_c_while_it_is_made_leaves_nobody_behind(folder: Path, tmp_path: Path) -> None:
    begun = start(folder, "--workspace", tmp_path / "ws", "--no-serve", NUMBA_CACHE_DIR=str(tmp_path / "kernels"))
    assert begun.stderr is not None
    assert begun.stderr.readline().startswith("1. gridding")
    time.sleep(4)  # the compiling processes are at work by then
    os.killpg(begun.pid, signal.SIGINT)
    said = begun.communicate(timeout=30)[1]
    assert begun.returncode != 0 and "Traceback" not in said, said
    with pytest.raises(ProcessLookupError):
        for _ in range(50):
            os.killpg(begun.pid, 0)
            time.sleep(0.1)
