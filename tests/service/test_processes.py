"""The command as a process: a reader that goes away, Ctrl-C, progress where there is no terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.service.inventories import write_tiny

COMMAND = [sys.executable, "-c", "from service.cli import main; main()"]


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    rows = "".join(f"P{i},110.5,31.5,-1,5\n" for i in range(3000))
    path = write_tiny(tmp_path, rows=rows)
    process = subprocess.Popen(
        [*COMMAND, "check", str(path), "--limit", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline().startswith(b"error: plants.csv, row 2")
    process.stdout.close()
    errors = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) in (1, 141)
    assert all(line.endswith(" …") for line in errors.splitlines()), errors


def test_a_reader_that_was_never_there(tmp_path: Path) -> None:
    """Output that fits the buffer is written only when the process ends."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, "grids"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )
    os.close(writer)
    assert done.returncode in (1, 141)
    assert done.stderr == ""


def test_ctrl_c_ends_quietly_with_130(tmp_path: Path) -> None:
    demo = Path(__file__).parents[2] / "data" / "demo" / "inventory.toml"
    told = tmp_path / "told"
    with told.open("w") as errors:
        process = subprocess.Popen([*COMMAND, "check", str(demo)], stdout=subprocess.PIPE, stderr=errors)
    assert process.stdout is not None
    try:
        until = time.monotonic() + 60
        while "reading" not in told.read_text("utf-8") and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b""
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.stdout.close()
    assert all(line.endswith(" …") for line in told.read_text("utf-8").splitlines() if line)


def test_progress_is_told_where_there_is_no_terminal(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    words = ["grid", str(path), "-g", str(tmp_path / "grid.toml"), "-w", str(tmp_path / "ws")]
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=True, timeout=120)
    told = done.stderr.splitlines()
    assert (
        told[0] == "starting …"
        and "reading plants …" in told
        and "weights of plants …" in told
        and told[-1] == "layers …"
    )
    assert len(told) == len(set(told))
