"""Threads of numerical libraries: one while the fork server lives, all cores once a notebook runs.

A process with more than one thread can't be forked safely, so the fork server starts with OPENBLAS_NUM_THREADS=1 and its
like. The libraries read those only once; this tells them anew.
"""

from __future__ import annotations

import contextlib
import ctypes
import os

# Builds of OpenBLAS put a prefix and a suffix to their names: numpy's and scipy's wheels, 64-bit integers, plain Debian.
_SETTERS = [
    f"{prefix}openblas_set_num_threads{suffix}"
    for prefix in ("scipy_", "")
    for suffix in ("64_", "_64_", "_64", "", "_")
]


def use_all_cores() -> int:
    """Give the libraries of linear algebra that are loaded as many threads as there are cores; returns how many took it."""
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        return 0
    return sum(_set_threads(path, cores) for path in _libraries())


def _libraries() -> set[str]:
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        paths = {line.rstrip("\n").split(maxsplit=5)[5] for line in maps if "blas" in line and line.count("/")}
    return {path for path in paths if ".so" in os.path.basename(path)}


def _set_threads(path: str, threads: int) -> bool:
    with contextlib.suppress(OSError):
        library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
        for name in _SETTERS:
            setter = getattr(library, name, None)
            if setter is not None:
                setter(ctypes.c_int(threads))
                return True
    return False
