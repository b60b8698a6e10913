import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gis.errors import CorruptObject, StorageError
from gis.views.files import Files, key_of, write_aside

TEXT = b"made"


def made(path: Path) -> None:
    write_aside(path, lambda file: file.write(TEXT))


def test_a_file_is_made_once_and_found_from_then_on(tmp_path):
    files, written = Files(tmp_path / "views", disk_bytes=1_000_000), []

    def write(path):
        written.append(path)
        made(path)

    assert [files.opened("a/b.plane", write, Path.read_bytes) for _ in range(3)] == [TEXT] * 3
    assert Files(tmp_path / "views", disk_bytes=1_000_000).opened("a/b.plane", write, Path.read_bytes) == TEXT
    assert len(written) == 1


def test_threads_that_want_one_file_wait_for_the_first(tmp_path):
    files, written, found = Files(tmp_path, disk_bytes=1_000_000), [], []

    def write(path):
        written.append(path)
        time.sleep(0.05)
        made(path)

    threads = [
        threading.Thread(target=lambda: found.append(files.opened("one", write, Path.read_bytes))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [TEXT] * 8 and len(written) == 1
    assert files._busy == {}


PROCESS = """
import sys, time
from pathlib import Path
from gis.views.files import Files, write_aside

def write(path):
    (Path(sys.argv[1]) / f"wrote-{sys.argv[2]}").touch()
    time.sleep(0.3)
    write_aside(path, lambda file: file.write(b"made"))

print("ready", flush=True)
sys.stdin.readline()
assert Files(Path(sys.argv[1]) / "views", disk_bytes=10**6).opened("one", write, Path.read_bytes) == b"made"
"""


@pytest.mark.slow
def test_processes_that_want_one_file_wait_for_the_first(tmp_path):
    command = [sys.executable, "-c", PROCESS, str(tmp_path)]
    started = [
        subprocess.Popen([*command, str(i)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for i in range(2)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in started:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert len(list(tmp_path.glob("wrote-*"))) == 1


def test_a_file_may_take_any_other_while_it_is_made(tmp_path):
    files = Files(tmp_path, disk_bytes=1_000_000)

    def nested(depth):
        def write(path):
            if depth:
                files.opened(f"inner/{depth - 1}", nested(depth - 1), Path.read_bytes)
            made(path)

        return write

    # More names than any table of shared locks could keep apart; in a thread, so that waiting for ever is a failure.
    thread = threading.Thread(target=files.opened, args=("outer", nested(200), Path.read_bytes), daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive() and (tmp_path / "outer").read_bytes() == TEXT


def test_a_damaged_file_is_made_anew(tmp_path):
    files = Files(tmp_path, disk_bytes=1_000_000)
    (tmp_path / "one").write_bytes(b"damaged")

    def read(path):
        if path.read_bytes() != TEXT:
            raise CorruptObject("damaged")
        return path.read_bytes()

    assert files.opened("one", made, read) == TEXT


def test_what_can_never_be_read_is_an_error_and_no_endless_loop(tmp_path):
    def read(path):
        raise CorruptObject("always")

    with pytest.raises(StorageError, match="made 5 times"):
        Files(tmp_path, disk_bytes=1_000_000).opened("one", made, read)


def test_a_directory_that_goes_while_a_file_is_written_comes_back(tmp_path):
    files, tries = Files(tmp_path / "views", disk_bytes=1_000_000), []

    def write(path):
        tries.append(path)
        if len(tries) == 1:
            path.parent.rmdir()
        made(path)

    assert files.opened("a/one", write, Path.read_bytes) == TEXT
    assert len(tries) == 2


def test_a_full_disk_is_a_storage_error_and_leaves_nothing(tmp_path):
    def write(path):
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left"):
        Files(tmp_path, disk_bytes=1_000_000).opened("one", write, Path.read_bytes)
    with pytest.raises(ZeroDivisionError):
        write_aside(tmp_path / "two", lambda file: 1 / 0)
    assert [p.name for p in tmp_path.iterdir()] == ["locks"]


def test_the_longest_unused_files_go_when_there_is_no_room(tmp_path):
    files, now = Files(tmp_path, disk_bytes=40_000), time.time()
    for i in range(10):
        path = tmp_path / f"{i}"
        path.write_bytes(os.urandom(8192))
        os.utime(path, (now - 3600 + i, now - 3600 + i))
    files.trim()
    left = sorted(int(p.name) for p in tmp_path.iterdir())
    assert left == list(range(10 - len(left), 10))
    assert 0 < sum(p.stat().st_blocks * 512 for p in tmp_path.iterdir()) <= 36_000
    assert files.trim() == 0


def test_what_was_just_used_stays_however_large(tmp_path):
    (tmp_path / "one").write_bytes(os.urandom(100_000))
    assert Files(tmp_path, disk_bytes=1).trim() == 0
    assert (tmp_path / "one").exists()


def test_holes_do_not_count(tmp_path):
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(10_000_000)
    os.utime(tmp_path / "hole", (0, 0))
    assert Files(tmp_path, disk_bytes=100_000).trim() == 0


def test_keys_depend_on_every_part_and_on_where_it_ends():
    assert len({key_of("a", "bc"), key_of("ab", "c"), key_of("a", "b", "c"), key_of("abc")}) == 4
    assert key_of("a", 1) == key_of("a", "1") and len(key_of()) == 32
