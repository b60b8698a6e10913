"""Numba kernels: arrays in, arrays out. They know numpy and numba, no policy, no files.

Compiled code is kept per machine. Numba notices a change of the file a kernel stands in, but not of one it calls into, so the
cache directory carries a hash over the kernels that others import.
"""

import hashlib
import os
import re
import shutil
import stat
import tempfile
from functools import lru_cache
from pathlib import Path

import numba.core.config

__all__ = ["cache_directory"]


def _sources_hash() -> str:
    texts = {path.stem: path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))}
    called = {
        name.decode() for text in texts.values() for name in re.findall(rb"from gis\.kernels\.(\w+) import", text)
    }
    digest = hashlib.sha256()
    for name in sorted(called & texts.keys()):
        digest.update(name.encode() + b"\0" + texts[name])
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def cache_directory() -> Path:
    """Where compiled kernels are kept: below NUMBA_CACHE_DIR, else the user's cache directory.

    Numba takes no directory that it cannot write to. Of such a one, as in an image, the kernels are linked into one of the user's.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        wanted = Path(given) / _sources_hash()
    else:
        base = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
        wanted = (Path(base) if base else Path.home() / ".cache") / "cozone" / "kernels" / _sources_hash()
    return wanted if _can_be_written(wanted) else _linked(wanted)


def _can_be_written(directory: Path) -> bool:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return all(os.access(d, os.W_OK | os.X_OK) for d in (directory, *directory.iterdir()))
    except OSError:
        return False


def _linked(directory: Path) -> Path:
    """A directory that only this user can write to, with links to the kernels of another."""
    place = _private() / "kernels" / directory.name
    place.mkdir(parents=True, exist_ok=True)
    for kernel in directory.glob("*/*.nb?"):
        link = place / kernel.relative_to(directory)
        link.parent.mkdir(exist_ok=True)
        try:
            link.symlink_to(kernel)
        except FileExistsError:
            continue
        except OSError:
            shutil.copyfile(kernel, link)  # Windows lets few make links
    return place


def _private() -> Path:
    """This user's directory among those for temporary files; never one that others prepared: kernels are code that is run."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    place = Path(tempfile.gettempdir()) / f"cozone-{user}"
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        found = place.lstat()
        strange = hasattr(os, "getuid") and (found.st_uid != user or stat.S_IMODE(found.st_mode) & 0o077)
        if strange or not stat.S_ISDIR(found.st_mode):
            return Path(tempfile.mkdtemp(prefix="cozone-"))
    return place


numba.core.config.CACHE_DIR = str(cache_directory())  # type: ignore[attr-defined]  # numba fills it in at import
# A threadsafe layer first: layers are gathered while others are being compressed in threads of their own.
numba.core.config.THREADING_LAYER_PRIORITY = ["tbb", "omp", "workqueue"]  # type: ignore[attr-defined]  # likewise
