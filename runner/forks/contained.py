"""A run in a process namespace of its own: its first process, which does nothing, and the kernel, which is the second.

When the first one dies the kernel of the machine kills and counts everything else in the namespace before that death can be
waited for. So "all of it is gone" is one event, whatever a notebook has started.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from . import syscalls as linux

# It ignores SIGCHLD, so that orphans are reaped, and reads a pipe of ours, so that it ends when we do. `sh` would do neither.
_FIRST = ("env", "--ignore-signal=CHLD", "cat")
_PATH = "/usr/bin:/bin"


class Contained:
    """The processes of one run, from their start to the moment both have been waited for."""

    def __init__(self, own_namespace: int, child: Callable[[], None]) -> None:
        """Fork the kernel, where `child` runs and never returns. `own_namespace`: descriptor of our own pid namespace."""
        self.usage: os.struct_rusage | None = None  # type: ignore[name-defined]
        self.status = 0
        linux.unshare(linux.CLONE_NEWPID)
        try:
            self._first, self._pipe = _start_first()
            try:
                self.pid = os.fork()
            except OSError:
                self._end_first()
                raise
        finally:
            if os.getpid() == _OWN_PID:
                linux.setns(own_namespace, linux.CLONE_NEWPID)
