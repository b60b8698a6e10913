"""Confinement: a process that reads strangers' files can reach its workspace and the programs it is made of, and nothing else.

The files were looked at before (`contents`, `trust`); this holds when a library has a fault or a habit that nobody thought of.
Landlock is a part of Linux since 5.13 that needs no privilege; connections are barred since 6.7. Where it is missing, the checks
before stand alone.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from gis.kernels import cache_directory

__all__ = ["confine", "environment"]

# include/uapi/linux/landlock.h; the numbers of the calls are the same on every architecture.
_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38
_EXECUTE, _READ_FILE, _READ_DIRECTORY = 1 << 0, 1 << 2, 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_DIRECTORY
# What the first version knows, then what the second, third and fifth added: moving between directories, truncating, device controls.
_FIRST, _LATER = (1 << 13) - 1, {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_ON_FILES = _EXECUTE | 1 << 1 | _READ_FILE | 1 << 14 | 1 << 15
_TCP, _TCP_SINCE = 0b11, 4
# What the interpreter, the C library, numba and OpenMP look at.
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
    "/proc/self", "/proc/sys/vm", "/proc/sys/kernel", "/sys/devices/system", "/sys/fs/cgroup", "/dev/null", "/dev/zero", "/dev/urandom",
)  # fmt: skip
_SHARE_OF_MEMORY = 0.85
_FIRST_TO_GO = "700"


def environment() -> dict[str, str]:
    """Variables for a process that works a job off: those of this one, without ways into the network."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    root = str(Path(__file__).parents[2])
    return {
        **kept, "PYTHONPATH": root, "PROJ_NETWORK": "OFF", "GDAL_HTTP_PROXY": "127.0.0.1:9", "GDAL_HTTP_TIMEOUT": "1",
        "GDAL_PAM_ENABLED": "NO", "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO",
    }  # fmt: skip


def confine(workspace: Path) -> bool:
    """Give up, for good, all that a job does not need; whether the system could be asked to."""
    _limit_memory()
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, 0, _ASK_VERSION)
    if version < 1:
        return False
    every = _FIRST | sum(bit for since, bit in _LATER.items() if version >= since)
    wanted = struct.pack("QQ", every, _TCP) if version >= _TCP_SINCE else struct.pack("Q", every)
    rules = libc.syscall(_CREATE, wanted, len(wanted), 0)
    if rules < 0:
        return False
    try:
        for path in _read():
            _allow(libc, rules, path, _READ & every)
        for path in _written(workspace):
            _allow(libc, rules, path, every)
        return bool(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0 and libc.syscall(_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def _read() -> Iterator[Path]:
    yield from (Path(p) for p in _SYSTEM)
    yield from {
        Path(p) for p in (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path) if p and Path(p).is_absolute()
    }


def _written(workspace: Path) -> Iterator[Path]:
    yield workspace.resolve()
    yield Path("/dev/null")
    yield Path("/dev/shm")
    kernels = cache_directory()
    kernels.mkdir(parents=True, exist_ok=True)
    yield kernels


def _allow(libc: ctypes.CDLL, rules: int, path: Path, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there need not be reached
    try:
        rule = struct.pack("=Qi", access if path.is_dir() else access & _ON_FILES, descriptor)
        libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)


def _limit_memory() -> None:
    """Let a job that asks for too much fail by itself, and be the first to go when memory runs out."""
    if sys.platform != "linux":
        return
    import resource

    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    resource.setrlimit(resource.RLIMIT_DATA, (int(_SHARE_OF_MEMORY * whole),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, "ascii")
    except OSError:
        pass  # a container may hide it
