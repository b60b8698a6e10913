"""Every command of README.md and docs/guide.md runs, in order, as it stands there, in a copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.docs.blocks import Block, blocks, write_inputs

ROOT = Path(__file__).parents[2]
COPIED = (
    "gis",
    "service",
    "data",
    "requirements",
    "Makefile",
    "pyproject.toml",
    "README.md",
    "README.zh.md",
    "LICENSE",
)
ADDRESS = "http://127.0.0.1:8765"
README, GUIDE = ROOT / "README.md", ROOT / "docs" / "guide.md"
# `make demo` shows a map until it is ended: it is, once the address is there, as by Ctrl-C.
_DEMO = """
setsid make demo > demo.log 2>&1 & shown=$!
until grep -q 'http://' demo.log; do kill -0 $shown; sleep 0.2; done
kill -INT -- -$shown
wait $shown || test $? -eq 2 -o $? -eq 130
"""

pytestmark = pytest.mark.slow


def checkout(directory: Path) -> Path:
    """A copy of the checkout whose environment is this one's; its stamp is new, so that make leaves it alone."""
    for name in COPIED:
        source = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, directory / name, ignore=ignore) if source.is_dir() else shutil.copy2(
            source, directory / name
        )
    (directory / ".venv").mkdir()
    (directory / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    for stamp in (".stamp", ".warm"):
        (directory / ".venv" / stamp).touch()
    return directory


def run(block: Block, directory: Path) -> None:
    # The tests within the tests are only listed: they are run by whoever runs this.
    # curl tells of a refusal by its exit status only when asked to.
    text = block.text.replace("make test ", "make -n test ").replace("curl ", "curl -fsS ")
    text = re.sub(r"^make demo\b.*\n", lambda _: _DEMO, text, flags=re.MULTILINE)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = ["bash", "-euo", "pipefail", "-c", text] if block.language == "sh" else [sys.executable, "-c", text]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{block.text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "Traceback" not in done.stderr


@contextmanager
def served(workspace: Path) -> Iterator[None]:
    """`cozone serve` as the guide starts it, ready."""
    command = [str(Path(sys.executable).parent / "cozone"), "serve", "--workspace", str(workspace)]
    environment = {**os.environ, "COZONE_SHOW_FACILITIES": "true", "COZONE_LOG_LEVEL": "warning"}
    server = subprocess.Popen(command, env=environment)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and server.poll() is None:
            try:
                with urllib.request.urlopen(f"{ADDRESS}/ready", timeout=5):
                    break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(60)


def installs(block: Block) -> bool:
    return "-m venv" in block.text


def test_the_commands_of_the_guide_run(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    write_inputs(here)
    found = blocks(GUIDE)
    files = [b for b in found if b.file is not None]
    assert {b.file for b in files} >= {"inventory.toml", "grid-2km.toml"}
    made = " ".join(b.text for b in found if b.language == "sh")
    for block in files:
        if f"--output {block.file}" not in made:
            (here / str(block.file)).write_text(block.text, "utf-8")
    ran = 0
    serving = False
    with ExitStack() as servers:
        for block in found:
            if block.file is not None:
                (here / block.file).write_text(block.text, "utf-8")
            elif block.language in ("sh", "python"):
                if ADDRESS in block.text and not serving:
                    servers.enter_context(served(here / "demo-workspace"))
                    serving = True
                run(block, here)
                ran += 1
    assert serving, "no command of the guide asks the server"
    assert ran >= 8
    for name in (
        "findings.csv",
        "co2.png",
        "blemished.json",
        "cells.gpkg",
        "cells.parquet",
        "cells.fgb",
        "layers.nc",
        "cells.csv",
        "report.html",
        "report-en.html",
        "variants.csv",
        "zoning.gpkg",
        "units.geojson",
        "units.csv",
        "growth.gpkg",
        "zoning-rasters/class.tif",
        "zoning-parquet/units.parquet",
    ):
        assert (here / name).stat().st_size > 0, name


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    write_inputs(here)
    answered = next(b for b in blocks(GUIDE) if b.file == "inventory.toml")
    ran = 0
    for block in blocks(README):
        if block.language in ("sh", "python") and not installs(block):
            run(block, here)
            ran += 1
        if "cozone init" in block.text:
            (here / "inventory.toml").write_text(answered.text, "utf-8")
    assert ran >= 4
    assert (here / "demo-workspace" / "demo-co2.png").stat().st_size > 0
    assert list((here / "layers").glob("*.tif"))
    assert (here / "review.html").stat().st_size > 0 and (here / "zoning.gpkg").stat().st_size > 0


@pytest.mark.external
def test_a_plain_install_runs(tmp_path: Path) -> None:
    """Needs a package index."""
    here = checkout(tmp_path)
    shutil.rmtree(here / ".venv")
    (block,) = [b for b in blocks(README) if b.language == "sh" and installs(b)]
    text = block.text.replace("python -m venv", f"{sys.executable} -m venv")
    run(Block("sh", text, None), here)
    run(Block("sh", ".venv/bin/cozone grids\n.venv/bin/cozone check data/demo/inventory.toml --limit 1\n", None), here)
