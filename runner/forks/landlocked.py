"""Level 1, where namespaces are forbidden: Landlock, a filter without sockets, resource limits, a guardian for each.

What it can't do: bound the size of OUTPUT_DIR and the temporary folder, hide that other processes exist, or keep an
ordinary user's run from using up the number of processes of that user. The service says so in /healthz.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace

from . import identity, landlock
from . import syscalls as linux
from .child import Serve, become_kernel
from .door import Door
from .groups import Groups
from .guarded import Guarded
from .landlock import DEVICE, READ, WRITE
from .order import Opening, Spawn
from .server import Run
from .sweep import count_threads

_DEVICES = ("null", "zero", "full", "random", "urandom")
# Facts of the machine that libraries look up to decide on threads and buffers; no names of processes.
_FACTS = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/version")
_PROCESSORS = "/sys/devices/system/cpu"


class Landlocked:
    """The way to fork into plain folders of the machine."""

    def __init__(self, opening: Opening) -> None:
        """Raises OSError or ValueError where level 1 can't be had."""
        if opening.seccomp is None:
            raise ValueError("without a system call filter nothing keeps a run from the network")
        landlock.version()
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)  # for runs whose guardian is killed
        self._opening = opening
        self._door = Door(opening.listener)
        self._groups = Groups(opening.cgroups)
        self.root_pid = os.getpid()
        self.ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

    def fork(self, spawn: Spawn, serve: Serve) -> Run:
        """Start one kernel; raises OSError or ValueError with nothing left of it."""
        started = time.perf_counter()
        if (spawn.uid is None) == (os.geteuid() == 0):
            raise ValueError("runs of root, and only those, have a user id")
        folder = os.path.join(self._opening.host, spawn.id)
        env = _environment(self._opening.env, folder)
        limits = spawn.limits
        if spawn.uid is None:  # the limit counts everything the user has
            limits = replace(limits, processes=limits.processes + count_threads(os.geteuid()))
        data = report = writing = -1
        try:
            data = self._door.connect()
            report, writing = os.pipe()

            def shut_in() -> None:
                self._groups.join(spawn.groups)
                rules = landlock.make_rules(_allowed(self._opening, folder, spawn.uid is not None))
                identity.become(spawn.uid, limits, self._opening.seccomp, rules)
                for source, _ in self._opening.mounts:
                    os.stat(source)  # nothing is mounted, so an image below a closed folder can't be used

            processes = Guarded(
                spawn.uid,
                lambda: become_kernel(spawn.id, shut_in, data, writing, env, env["HOME"], serve),
            )
        except BaseException:
            if report >= 0:
                os.close(report)
            raise
        finally:
            for descriptor in (data, writing):
                if descriptor >= 0:
                    os.close(descriptor)
        return Run(spawn, processes, report, started)

    def drop(self, name: str) -> None:
        """Nothing is kept here: the folders of a run are the service's."""


def _environment(env: dict[str, str], folder: str) -> dict[str, str]:
    work = f"{folder}/work"
    own = {"INPUT_DIR": f"{folder}/in", "OUTPUT_DIR": f"{folder}/out", "HOME": work, "TMPDIR": work}
    return {**env, **own, "MPLCONFIGDIR": f"{work}/.matplotlib"}


def _allowed(opening: Opening, folder: str, own_uid: bool) -> list[tuple[str, int]]:
    etc = [f"/etc/{name}" for name in opening.etc]
    readable = ["/usr", *(path for path, _ in opening.root_links), *etc, _PROCESSORS, *_FACTS]
    # Only this process's own folder; those of what it starts have other numbers and stay closed.
    readable += [f"/proc/{os.getpid()}", f"{folder}/in", *(source for source, _ in opening.mounts), *sys.path[1:]]
    devices = [f"/dev/{name}" for name in _DEVICES]
    if own_uid:
        # Pseudo-terminals for `!command`. An ordinary user's run could write to the terminals of that user.
        devices += ["/dev/ptmx", "/dev/pts"]
    return [
        *((path, READ) for path in readable if path),
        *((path, DEVICE) for path in devices),
        *((f"{folder}/{name}", WRITE) for name in ("out", "work")),
    ]
