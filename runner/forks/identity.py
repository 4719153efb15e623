"""What a process gives up before it runs other people's code: resources, identity, capabilities, system calls."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
import struct

from . import landlock
from . import syscalls as linux
from .order import Limits

_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x1 | 0x40


def enter_user_namespace() -> None:
    """Get the rights of root over namespaces made from now on, and over nothing that exists; the identity stays.

    The kernel allows an ordinary user to map nobody but itself, and only once setgroups is refused
    (user_namespaces(7)).
    """
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def isolate(host_name: str) -> None:
    """Leave the machine's network, mounts, IPC objects and host name for ones of this process and its children."""
    linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWNET)
    try:
        linux.unshare(linux.CLONE_NEWCGROUP)
    except OSError:
        pass  # only hides the names of groups; kernels built without it have none
    socket.sethostname(host_name)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        # Without this binding to 127.0.0.1 works and connecting fails, which breaks multiprocessing and dask.
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING))


def limit(limits: Limits) -> None:
    """Set resource limits, soft and hard. Processes are counted by user id, in an own user namespace only its own."""
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_RTPRIO: 0,
        resource.RLIMIT_NICE: 0,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_FSIZE: limits.file_bytes,
    }
    if limits.data_bytes is not None:
        bounds[resource.RLIMIT_DATA] = limits.data_bytes + _data_so_far()
    for kind, wanted in bounds.items():
        _, hard = resource.getrlimit(kind)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))


def _data_so_far() -> int:
    """Bytes that the limit would count already: what was loaded before the fork is shared, and not the run's."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[5]) * resource.getpagesize()


def become(uid: int | None, limits: Limits, seccomp: bytes | None, rules: int | None = None) -> None:
    """Take on identity and limits of the run, without a way back; `uid` none: stay who we are, without our rights.

    With `rules` Landlock stands in for namespaces; without, an ordinary user's run gets a user namespace of its own, so
    that its processes are counted apart from those of other runs.

    The order matters. A process limit set before a user namespace is made would bound all runs together. A change of
    user clears both the signal for the parent's death and the right to read one's own /proc. Nothing changes behind the
    filter.
    """
    if uid is None and rules is None:
        enter_user_namespace()
    if uid is not None:
        os.setgroups([])
    linux.drop_bounding_set()
    if uid is not None:
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    limit(limits)
    linux.drop_capabilities()
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    if rules is not None:
        landlock.restrict(rules)
    if seccomp is not None:
        linux.install_filter(seccomp)
