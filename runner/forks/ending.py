"""The end of a kernel as the interpreter would do it for the user's eyes, without taking every module apart.

A whole `Py_Finalize` costs 80 to 300 ms with pandas loaded. What a user can notice is kept: threads that are no daemons
are waited for, `atexit` functions run, and files that were left open are written out.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import NoReturn

_FILES = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


def leave(last: Callable[[], object] = lambda: None, status: int = 0) -> NoReturn:
    """End this process with `status`; `last` is called when nothing of the user's will run any more."""
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]  # what the interpreter itself calls first
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    # Concrete classes, because looking for an abstract one among 100,000 objects takes 50 ms. Text empties into binary.
    # The standard streams are named because a fork server has hidden its own objects from the collector (gc.freeze).
    left_open = [thing for thing in gc.get_objects() if isinstance(thing, _FILES)]
    standard = [file for file in (sys.__stdout__, sys.__stderr__) if file is not None]
    for file in sorted([*left_open, *standard], key=lambda thing: not isinstance(thing, io.TextIOWrapper)):
        with contextlib.suppress(BaseException):
            file.flush()
    with contextlib.suppress(BaseException):
        last()
    os._exit(status)


def forget_handlers() -> None:
    """Drop every `atexit` function registered so far, except those that look after what the user will make.

    The others belong to the process we were forked from: they close sockets and loops that are not ours.
    """
    atexit._clear()
    atexit.register(logging.shutdown)
    if weakref.finalize._registered_with_atexit:  # type: ignore[attr-defined]
        atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]
    processes = sys.modules.get("multiprocessing.util")
    if processes is not None:
        atexit.register(processes._exit_function)
