"""The fork server of one image: imports what notebooks need, then forks a kernel into a sandbox for each run.

Started by the service with the control channel as descriptor 3; the messages are described in `forks/order.py` and
`forks/server.py`. It ends with that channel, and all it has started ends with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import platform
import signal
import socket
import sys
import time
from typing import Any

import forks
from forks.child import Serve, launcher_path
from forks.landlocked import Landlocked
from forks.namespaced import Namespaced
from forks.order import Opening, parse_opening
from forks.server import Control, Server

_CONTROL = 3


def main() -> None:
    """Take the first order, get ready, say so, and work until the channel ends."""
    # Whoever stops the service from a terminal signals the whole group; what becomes of runs then is for the service.
    with contextlib.suppress(OSError):
        os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o022)
    os.closerange(_CONTROL + 1, 1 << 16)  # the first process of a run is a program and would inherit what is not ours
    control = Control(socket.socket(fileno=_CONTROL))
    orders: list[dict[str, Any]] = []
    while not orders:
        orders = control.receive()
    try:
        opening = parse_opening(orders[0])
        serve = _stand_in(opening)
        facts: dict[str, Any] = {}
        place = Landlocked(opening) if opening.level == 1 else Namespaced(opening)
        if opening.level > 1:  # the libraries shall find what a run will find
            one_thread = {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}
            os.environ.clear()
            os.environ.update({**opening.env, **one_thread})
        sys.path[0] = place.ours
        forks.__path__[:] = [f"{place.ours}/forks"]
        started = time.perf_counter()
        if serve is None:
            serve, facts = _prepare()
        took = round((time.perf_counter() - started) * 1000)
        threads = len(os.listdir("/proc/self/task"))
        if threads != 1:
            raise RuntimeError(f"{threads} threads are running, and a process with threads can't be forked safely")
    except Exception as error:
        control.send({"ev": "failed", "why": f"{type(error).__name__}: {error}"})
        os._exit(1)
    launcher_path()
    gc.collect()
    gc.freeze()  # else the first collection in a child would copy every page
    about = {"pid": os.getpid(), "rootPid": place.root_pid, "python": platform.python_version()}
    control.send({"ev": "up", **about, "threads": threads, "preloadMs": took, **facts})
    Server(control, lambda spawn: place.fork(spawn, serve), place.drop).serve()


def _stand_in(opening: Opening) -> Serve | None:
    """Imported before the root changes, because it is no part of it."""
    if opening.stand_in is None:
        return None
    module, _, function = opening.stand_in.partition(":")
    found: Serve = getattr(importlib.import_module(module), function)
    return found


def _prepare() -> tuple[Serve, dict[str, Any]]:
    """What becomes a kernel after the fork, and what there is to say about it; here the long imports happen."""
    preload = importlib.import_module("forks.preload")
    facts: dict[str, Any] = preload.prepare()
    return importlib.import_module("forks.framed").serve, facts


if __name__ == "__main__":
    main()
