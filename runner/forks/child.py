"""From the fork to the hand-over: a copy of the fork server becomes the kernel of one run, shut in and bare."""

from __future__ import annotations

import fcntl
import functools
import gc
import importlib.util
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import NoReturn

_SOCKET = 3
_REPORT = 4
_MOST_DESCRIPTORS = 1 << 16

# What is written into the report once nothing can go wrong any more; any other text is a reason.
SHUT_IN = b"+"

Serve = Callable[[socket.socket, str, dict[str, object]], None]


def become_kernel(
    name: str, shut_in: Callable[[], None], data: int, report: int, env: dict[str, str], work: str, serve: Serve
) -> NoReturn:
    """Enter the sandbox (`shut_in`), say so in `report`, and serve one kernel on the socket `data`.

    What goes wrong before that is written into `report` as one sentence; the process is gone either way.
    """
    try:
        _plain_process()
        shut_in()
        report = _keep_only(data, report)
        _fresh(env, work)
        gc.enable()
        kernel = socket.socket(fileno=_SOCKET)
        os.write(report, SHUT_IN)
        os.close(report)
        report = -1
        serve(kernel, name, {})
    except BaseException as error:
        if report >= 0:
            os.write(report, f"{type(error).__name__}: {error}".encode(errors="replace")[:4000])
        else:
            sys.excepthook(type(error), error, error.__traceback__)
    finally:
        os._exit(70)


@functools.cache
def launcher_path() -> str:
    """What `python -m ipykernel_launcher` has as its first argument; it takes 1 ms to find, so before a fork."""
    found = importlib.util.find_spec("ipykernel_launcher")
    return found.origin if found and found.origin else ""


def _plain_process() -> None:
    """A session and signals as any program starts with; SIGPIPE stays ignored, as in any Python."""
    os.setsid()
    os.umask(0o022)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _keep_only(data: int, report: int) -> int:
    """Close everything but the standard three, the socket as 3 and the report as 4, both lost at an exec."""
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    # Out of the way first: each may have the other's place.
    data, report = (fcntl.fcntl(old, fcntl.F_DUPFD_CLOEXEC, _REPORT + 1) for old in (data, report))
    os.dup2(data, _SOCKET, inheritable=False)
    os.dup2(report, _REPORT, inheritable=False)
    os.closerange(_REPORT + 1, _MOST_DESCRIPTORS)
    return _REPORT


def _fresh(env: dict[str, str], work: str) -> None:
    """What a new interpreter would have of its own: variables, folder, arguments, path, and above all randomness."""
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(work)
    sys.argv = [launcher_path()]
    sys.path[0] = ""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:
        # It would notice a fork by another process id, and every kernel is number 2. The folder may be another one too.
        tempfile._name_sequence = None  # type: ignore[attr-defined]
        tempfile.tempdir = None  # type: ignore[attr-defined]
    process = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.current_process().authkey = os.urandom(32)
