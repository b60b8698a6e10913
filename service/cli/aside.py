"""A process beside a server that does what is not urgent, begun a little later and at a low priority."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from threading import Timer

__all__ = ["Aside"]


class Aside:
    """A command that is begun after some seconds, and ended with the server if it is not done."""

    def __init__(self, command: list[str], *, later_s: float) -> None:
        self._command = ["nice", "-n", "15", *command] if shutil.which("nice") else command
        self._process: subprocess.Popen[bytes] | None = None
        # The server beside it has just been started, too, and is waited for.
        self._timer = Timer(later_s, self._begin)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> bool:
        """Whether the command had come to a good end by itself."""
        self._timer.cancel()
        if self._process is None:
            return False
        if self._process.poll() is None:
            _terminate(self._process)
        return self._process.wait() == 0

    def _begin(self) -> None:
        # A session of its own: Ctrl-C in the terminal is for the server, which ends this one.
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, start_new_session=True)
        # This is a thread of its own: it waits, so that what has ended is no longer listed.
        self._process.wait()


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """Tell a process and those it started to end."""
    if os.name == "nt":
        process.terminate()
    else:
        os.killpg(process.pid, signal.SIGTERM)
