"""Killing everything of a run where no process namespace does it: by user id, or by descent."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Set


def kill_user(uid: int) -> None:
    """SIGKILL to every process of that user id, at once: the kernel lets none of them fork meanwhile (kill(2), pid -1).

    A child of ours takes on the user id to do so, because as root the same call would mean everybody.
    """
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            if uid > 0 and os.getuid() == uid:
                os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def kill_descendants(spared: Set[int] = frozenset()) -> None:
    """SIGKILL to all that descends from this process, which must be their subreaper, but not through a spared one.

    They are stopped first, until no new one turns up: what is stopped can't fork, and a bomb would outrun a kill.
    """
    stopped: set[int] = set()
    while new := _descendants(spared) - stopped:
        for pid in new:
            _signal(pid, signal.SIGSTOP)
        stopped |= new
    for pid in stopped:
        _signal(pid, signal.SIGKILL)


def count_threads(uid: int) -> int:
    """How many threads a user has on this machine: what its process limit is compared with."""
    count = 0
    for pid in _pids():
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == uid:
                count += len(os.listdir(f"/proc/{pid}/task"))
    return count


def _descendants(spared: Set[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid in _pids():
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{pid}/stat", "rb") as file:
                state, parent = file.read().rpartition(b") ")[2].split()[:2]
            if state not in (b"Z", b"X"):
                children.setdefault(int(parent), []).append(pid)
    found: set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            if pid not in found and pid not in spared:
                found.add(pid)
                waiting.append(pid)
    return found


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
