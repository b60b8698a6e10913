"""The image's stages, walked through in a tree of their own, and what is started from them: there need be no engine.

Every COPY and RUN of the build is done as it stands, with the image's directories below a temporary one; what changes the system itself
(packages, users) is not. The tree then goes through an archive, as a layer does, and becomes one that nobody can write to.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.image.dockerfile import ROOT, Instruction, context, instructions, variables
from tests.service.cli.provinces import write_province

pytestmark = [pytest.mark.slow, pytest.mark.external]

PLACES = re.compile(r"(?<![\w/.-])/(opt/cozone|src|build|workspace|tmp)(?![\w-])")
# What an engine's network and package index are here; nothing else of this environment gets in.
PASSED = re.compile(
    r"(PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|CERT|CONFIG_FILE)|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|(https?|no|all)_proxy)",
    re.IGNORECASE,
)
OF_THE_SYSTEM = ("apt-get ", "groupadd ")
LARGEST_MB = 1100


@dataclass
class Image:
    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def here(self, text: str) -> str:
        """A text with the image's places below the root, and its own Python this one's."""
        base = str(Path(sys.base_prefix) / "bin" / "python3")
        return PLACES.sub(lambda m: f"{self.root}/{m[1]}", text.replace("/usr/local/bin/python ", f"{base} "))

    def path(self, place: str) -> Path:
        return Path(self.here(place))

    def do(self, instruction: Instruction) -> None:
        """Follow an instruction, as far as it makes files or sets variables."""
        if instruction.name in ("ENV", "ARG"):
            for name, value in variables(instruction.text):
                known = re.sub(r"\$\{(\w+)\}", lambda m: self.environment[m[1]], value)
                self.environment[name] = self.here(known)
        elif instruction.name == "COPY" and instruction.option("from") is None:
            *sources, target = instruction.words
            self._copy(sources, self.path(target), into=target.endswith("/"))
        elif instruction.name == "RUN" and instruction.text.startswith(OF_THE_SYSTEM):
            self.skipped.append(instruction.text)
        elif instruction.name == "RUN":
            self.run(["/bin/sh", "-c", self.here(instruction.text)], timeout=1800)

    def _copy(self, sources: list[str], target: Path, *, into: bool) -> None:
        for source in sources:
            for name in (f for f in context() if f == source or f.startswith(f"{source}/")):
                inner = Path(name).relative_to(source)
                found = target / Path(source).name if into else target / inner
                found.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, found)

    def variables(self) -> dict[str, str]:
        passed = {k: v for k, v in os.environ.items() if PASSED.fullmatch(k)}
        # What the image has as /tmp is below the root, too.
        return {"HOME": os.environ.get("HOME", "/"), "TMPDIR": str(self.path("/tmp")), **passed, **self.environment}

    def command(self, *words: str) -> list[str]:
        """A command without any privilege: as a container without capabilities, for whom modes of files hold."""
        program = shutil.which(words[0], path=self.environment["PATH"])
        assert program is not None, words
        held = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
        return [*held, program, *words[1:]]

    def run(self, command: list[str], timeout: float = 300) -> str:
        done = subprocess.run(
            command, env=self.variables(), cwd=self.root, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The tree that an image would hold, gone through an archive and read-only."""
    directory = Path(tempfile.mkdtemp(prefix="cozone-image-"))
    try:
        made = Image(directory / "root")
        made.root.mkdir()
        (made.root / "tmp").mkdir()
        for instruction in instructions():
            if instruction.stage in ("base", "build"):
                made.do(instruction)
        built = made.path("/opt/cozone")
        _through_an_archive(built, directory / "layer.tar")
        for leftover in ("/src", "/build"):
            shutil.rmtree(made.path(leftover))
        made.environment = {}
        for instruction in instructions():
            if instruction.stage in ("base", "run"):
                made.do(instruction)
        made.path("/workspace").mkdir()
        subprocess.run(["chmod", "-R", "a-w", str(built)], check=True)
        yield made
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(directory)], check=False)
        shutil.rmtree(directory, ignore_errors=True)


def _through_an_archive(tree: Path, archive: Path) -> None:
    """Packed and unpacked, so that times are whole seconds, as in a layer."""
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as packed:
        packed.add(tree, tree.name)
    shutil.rmtree(tree)
    with tarfile.open(archive) as packed:
        packed.extractall(tree.parent, filter="tar")
    archive.unlink()


def test_only_the_system_was_left_out(image: Image) -> None:
    assert len(image.skipped) == 2 + 1  # packages of the base, for both stages that stand on it; the user


def test_it_is_small_and_holds_no_tools(image: Image) -> None:
    tree = image.path("/opt/cozone")
    files = [p for p in tree.rglob("*") if p.is_file() and not p.is_symlink()]
    size = sum(p.stat().st_size for p in files) / 1e6
    print(f"image: {size:.0f} MB in {len(files)} files above the base")
    assert size < LARGEST_MB
    assert not (tree / "bin" / "pip").exists() and not list(tree.rglob("site-packages/setuptools"))
    assert not [p for p in tree.rglob("tests") if p.is_dir()]
    assert (tree / "bin" / "cozone").exists() and list(tree.glob("kernels/*/*/*.nbc"))
    assert str(ROOT) not in (tree / "bin" / "cozone").read_text("utf-8")


def test_the_way_from_files_to_tiles_compiles_nothing(image: Image, tmp_path: Path) -> None:
    folder = write_province(tmp_path / "in")
    here = str(tmp_path / "ws")
    image.run(
        image.command(
            "cozone", "grid", str(folder / "inventory.toml"), "--grid", str(folder / "grid-1km.toml"), "-w", here, "-q"
        )
    )
    image.run(image.command("cozone", "zone", "latest", "-w", here, "-q"))
    image.run(image.command("cozone", "prepare", "-w", here, "-q"))
    image.run(
        image.command(
            "cozone", "tiles", "z-latest", "-w", here, "--layer", "class", "-o", str(tmp_path / "a.pmtiles"), "-q"
        )
    )
    image.run(
        image.command(
            "cozone", "tiles", "z-latest", "-w", here, "--layer", "cells", "-o", str(tmp_path / "b.pmtiles"), "-q"
        )
    )
    kept = image.path("/tmp") / f"cozone-{os.getuid()}" / "kernels"
    assert len(list(kept.rglob("*.nbc"))) > 100, "the kernels of the image were not found"
    compiled = [p.name for p in kept.rglob("*.nbc") if not p.is_symlink()]
    assert compiled == []


def test_the_very_command_serves_and_its_health_is_told(image: Image) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    image.environment["COZONE_PORT"] = str(port)
    entry, command, check = (
        next(i for i in instructions() if i.name == n) for n in ("ENTRYPOINT", "CMD", "HEALTHCHECK")
    )
    health = image.command(*Instruction("CMD", check.text.split("CMD ", 1)[1], "run").words)
    assert subprocess.run(health, env=image.variables(), capture_output=True, check=False).returncode != 0
    server = subprocess.Popen(
        image.command(*entry.words, *command.words),
        env=image.variables(),
        cwd=image.path("/workspace"),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + 60
        while subprocess.run(health, env=image.variables(), capture_output=True, check=False).returncode:
            assert time.monotonic() < until and server.poll() is None, server.communicate()[1]
            time.sleep(0.2)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=10) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/results", timeout=10) as answer:
            assert json.load(answer)
    finally:
        server.terminate()
        log = server.communicate(timeout=60)[1]
    assert "Traceback" not in log and (image.path("/workspace") / "catalogue.sqlite").exists(), log
