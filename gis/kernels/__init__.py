"""Numba kernels: arrays in, arrays out. They know numpy and numba, no policy, no files.

Compiled code is kept per machine. Numba notices a change of the file a kernel stands in, but not of one it calls into, so the
cache directory carries a hash over the kernels that others import.
"""

import hashlib
import os
import re
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


def cache_directory() -> Path:
    """Where compiled kernels are kept: below NUMBA_CACHE_DIR, else the user's cache directory."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given) / _sources_hash()
    base = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "cozone" / "kernels" / _sources_hash()


numba.core.config.CACHE_DIR = str(cache_directory())  # type: ignore[attr-defined]  # numba fills it in at import
# A threadsafe layer first: layers are gathered while others are being compressed in threads of their own.
numba.core.config.THREADING_LAYER_PRIORITY = ["tbb", "omp", "workqueue"]  # type: ignore[attr-defined]  # likewise
