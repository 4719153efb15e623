"""Levels 3 and 2: each run in namespaces of its own, as root with a user id of its own, else in a user namespace."""

from __future__ import annotations

import os
import signal
import time

from . import identity, room
from . import syscalls as linux
from .child import Serve, become_kernel
from .contained import Contained
from .door import Door
from .groups import Groups
from .order import Opening, Spawn
from .server import Run

HOST_NAME = "fieldbook"
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Namespaced:
    """The root of all runs, entered when this is made, and the way to fork into it."""

    def __init__(self, opening: Opening) -> None:
        """Raises OSError where the machine forbids it. As an ordinary user the caller goes on as another process."""
        self._opening = opening
        self._door = Door(opening.listener)
        self._groups = Groups(opening.cgroups)
        self.root_pid = os.getpid() if os.geteuid() == 0 else _enter_own_namespaces()
        self._room = room.build(opening, _OURS)
        self.ours = room.OURS
        self._namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def fork(self, spawn: Spawn, serve: Serve) -> Run:
        """Start one kernel; raises OSError or ValueError with nothing left of it."""
        started = time.perf_counter()
        if (spawn.uid is None) != (self._room.fixed_uid is not None):
            raise ValueError("runs of root, and only those, have a user id")
        uid = os.geteuid() if spawn.uid is None else spawn.uid
        room.make_out(spawn, uid)
        data = report = writing = -1
        try:
            data = self._door.connect()
            report, writing = os.pipe()

            def shut_in() -> None:
                self._groups.join(spawn.groups)
                identity.isolate(HOST_NAME)
                room.furnish(self._room, spawn, uid)
                identity.become(spawn.uid, spawn.limits, self._opening.seccomp)

            work = f"{self._opening.home}/work"
            processes = Contained(
                self._namespace,
                lambda: become_kernel(spawn.id, shut_in, data, writing, self._opening.env, work, serve),
            )
        except BaseException:
            room.drop_out(spawn.id)
            if report >= 0:
                os.close(report)
            raise
        finally:
            for descriptor in (data, writing):
                if descriptor >= 0:
                    os.close(descriptor)
        return Run(spawn, processes, report, started)

    def drop(self, name: str) -> None:
        """Take away what is kept of a run that is gone: its OUTPUT_DIR."""
        room.drop_out(name)


def _enter_own_namespaces() -> int:
    """A user namespace, and a process namespace that belongs to it: without that one no /proc could be mounted.

    Gives the process id of the caller's new self as the service sees it. The old one waits and ends as that does.
    """
    identity.enter_user_namespace()
    linux.unshare(linux.CLONE_NEWPID)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.write(writing, str(pid).encode())
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # the channel must end with the new one
        _, status = os.waitpid(pid, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    own = int(os.read(reading, 32))  # nothing to read: the parent died before it could be noticed
    os.close(reading)
    os.close(writing)
    return own
