"""Threads of numerical libraries: one while the fork server lives, all cores once a notebook runs.

A process with more than one thread can't be forked safely, so the fork server starts with OPENBLAS_NUM_THREADS=1 and its
like. The libraries read those only once; this tells OpenBLAS anew (0.2 ms). numexpr, which pandas uses for frames of more
than a million values, stays at one thread: it would take 8 to 15 ms of every run, also of those that never use it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable

# Builds of OpenBLAS put a prefix and a suffix to their names: numpy's and scipy's wheels, 64-bit integers, plain Debian.
_SETTERS = [
    f"{prefix}openblas_set_num_threads{suffix}"
    for prefix in ("scipy_", "")
    for suffix in ("64_", "_64_", "_64", "", "_")
]


_found: list[Callable[[ctypes.c_int], object]] = []


def find_libraries() -> None:
    """Before the fork: remember how the libraries that are loaded are told; looking for them takes milliseconds."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        paths = {line.rstrip("\n").split(maxsplit=5)[5] for line in maps if "blas" in line and "/" in line}
    setters = [_setter_of(path) for path in sorted(paths) if ".so" in os.path.basename(path)]
    _found[:] = [setter for setter in setters if setter is not None]


def use_all_cores() -> None:
    """Give the libraries of linear algebra as many threads as there are cores, as they would have taken by themselves."""
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        return
    for set_threads in _found:
        set_threads(ctypes.c_int(cores))


def _setter_of(path: str) -> Callable[[ctypes.c_int], object] | None:
    with contextlib.suppress(OSError):
        library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
        for name in _SETTERS:
            setter = getattr(library, name, None)
            if setter is not None:
                return setter  # type: ignore[no-any-return]
    return None
