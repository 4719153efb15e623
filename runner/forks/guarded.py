"""A run without namespaces: a guardian process that the kernel and all it starts descend from, and that outlives them.

It becomes the parent of whatever loses its own (PR_SET_CHILD_SUBREAPER), so nothing can slip away by forking twice, and
it kills all of it when the kernel ends, when told to, and when the fork server is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
from collections.abc import Callable
from dataclasses import asdict
from typing import NoReturn

from . import syscalls as linux
from .contained import Ending, fork
from .sweep import kill_descendants, kill_user

_living: set[int] = set()


class Guarded:
    """One guardian, from its start to the moment it has been waited for; it ends when nothing of the run is left."""

    def __init__(self, uid: int | None, child: Callable[[], None]) -> None:
        """Fork; in the kernel `child` is called and must not return. `uid`: the run's own user id, if it has one."""
        self.ending = Ending()
        self._uid = uid
        reading, self._orders = os.pipe()
        self._result, writing = os.pipe()
        try:
            self.pid = fork(lambda: _guard(uid, child, reading, writing))
        except OSError:
            os.close(self._orders)
            os.close(self._result)
            raise
        finally:
            os.close(reading)
            os.close(writing)
        _living.add(self.pid)
        self._descriptor = os.pidfd_open(self.pid)

    def descriptors(self) -> tuple[int, ...]:
        """Readable when the guardian has ended; `reap` must be called then."""
        return () if self._descriptor < 0 else (self._descriptor,)

    def signal(self, number: int) -> None:
        """To the kernel's process group."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._orders, bytes([number]))

    def kill(self) -> None:
        """SIGKILL to everything."""
        self.signal(signal.SIGKILL)

    def reap(self) -> bool:
        """Take the guardian's word for how the kernel ended, without blocking; true when nothing is left."""
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if ended == 0:
            return False
        _living.discard(self.pid)
        told = os.read(self._result, 4096) if status == 0 else b""
        for descriptor in (self._descriptor, self._orders, self._result):
            os.close(descriptor)
        self._descriptor = -1
        if told:
            self.ending = Ending(**json.loads(told))
        else:  # killed, by the machine's want of memory perhaps: what it guarded is ours now
            self.ending = Ending(status=signal.SIGKILL)
            _kill_all(self._uid, _living)
            _reap_orphans(_living)
        return True


def _guard(uid: int | None, child: Callable[[], None], orders: int, result: int) -> NoReturn:
    """The guardian's life."""
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    kernel = fork(child)
    _keep_only({orders, result, woken, wake})
    while True:
        readable, _, _ = select.select([orders, woken], [], [])
        if woken in readable:
            os.read(woken, 4096)
            _reap_orphans({kernel})
            ended, status, usage = os.wait4(kernel, os.WNOHANG)
            if ended:
                ending = Ending(status, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * 1024)
                _clear(uid)
                os.write(result, json.dumps(asdict(ending)).encode())
                os._exit(0)
        if orders in readable:
            numbers = os.read(orders, 64)
            for number in numbers or [signal.SIGKILL]:  # nothing: the fork server is gone
                if number == signal.SIGKILL:
                    _kill_all(uid, set())
                else:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(kernel, number)
            if not numbers:
                _clear(uid)
                os._exit(1)


def _kill_all(uid: int | None, spared: set[int]) -> None:
    if uid is None:
        kill_descendants(spared)
    else:
        kill_user(uid)


def _clear(uid: int | None) -> None:
    """Kill and wait until this process has no child left. What was just being forked is seen in the next round."""
    while True:
        _kill_all(uid, set())
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _reap_orphans(but: set[int]) -> None:
    """Wait for all that has ended, but these, who have somebody else waiting for them."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in but:
            return
        os.waitpid(ended.si_pid, 0)


def _keep_only(kept: set[int]) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))
