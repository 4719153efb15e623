"""A run in a process namespace of its own: its first process, which does nothing, and the kernel, which is the second.

When the first one dies, the machine kills everything else in the namespace before that death can be waited for. So "all
of it is gone" is one event, whatever a notebook has started.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from . import syscalls as linux

# SIGCHLD ignored, so that orphans are reaped; reading a pipe of ours, so that it ends when we do. `sh` would do
# neither.
_FIRST = ("env", "--ignore-signal=CHLD", "cat")
_SEARCH = {"PATH": "/usr/bin:/bin"}


@dataclass
class Ending:
    """How the kernel ended, as wait4(2) says; seconds and bytes include what it started and waited for."""

    status: int = 0
    user_seconds: float = 0.0
    system_seconds: float = 0.0
    peak_bytes: int = 0


class Contained:
    """The two processes of one run, until both have been waited for."""

    def __init__(self, own_namespace: int, child: Callable[[], None]) -> None:
        """Fork; in the kernel `child` is called and must not return. `own_namespace`: a descriptor of our own one."""
        self.ending = Ending()
        linux.unshare(linux.CLONE_NEWPID)
        try:
            self._pipe, self._first = _start_first()
            try:
                self.pid = fork(child)
            except OSError:
                os.kill(self._first, signal.SIGKILL)
                os.waitpid(self._first, 0)
                os.close(self._pipe)
                raise
        finally:
            linux.setns(own_namespace, linux.CLONE_NEWPID)
        self._alive = {os.pidfd_open(self.pid): self.pid, os.pidfd_open(self._first): self._first}

    def descriptors(self) -> tuple[int, ...]:
        """Readable when one of the processes has ended; `reap` must be called then."""
        return tuple(self._alive)

    def signal(self, number: int) -> None:
        """To the kernel's process group: what `subprocess.run` waits for must let go as well."""
        if self.pid in self._alive.values():  # not waited for, so the number can't be somebody else's
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                pass  # not the leader of a group yet, or ended by itself

    def kill(self) -> None:
        """SIGKILL to everything."""
        if self._first in self._alive.values():
            os.kill(self._first, signal.SIGKILL)

    def reap(self) -> bool:
        """Wait for what has ended, without blocking; true when nothing is left. The kernel's end is the end of all."""
        for descriptor, pid in list(self._alive.items()):
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended == 0:
                continue
            os.close(descriptor)
            del self._alive[descriptor]
            if pid == self.pid:
                self.ending = Ending(status, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * 1024)
                self.kill()
            else:
                os.close(self._pipe)
        return not self._alive


def _start_first() -> tuple[int, int]:
    """The first process of the namespace that children now go to. It keeps our identity, so no run can touch it."""
    reading, writing = os.pipe()
    null = "/dev/null"
    try:
        pid = os.posix_spawnp(
            _FIRST[0],
            _FIRST,
            _SEARCH,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, reading, 0),
                (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, null, os.O_WRONLY, 0),
            ],
        )
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    return writing, pid


def fork(child: Callable[[], None]) -> int:
    """The new process's id; in it `child` is called, and the process ends when that returns."""
    pid = os.fork()
    if pid == 0:
        try:
            child()
        finally:
            os._exit(70)
    return pid
