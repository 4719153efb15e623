"""What the fork server does once, so that its children need not: imports, a kernel, and a first run of what is slow first.

Afterwards there is one thread, no event loop, no open socket, and no trace of it that a notebook could find.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

# Cheap and common. scipy and scikit-learn are left out: see docs/measurements for what they cost.
MODULES = (
    "numpy",
    "pandas",
    "pandas.io.formats.format",
    "pandas.io.formats.html",
    "pandas.io.formats.info",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "matplotlib_inline.backend_inline",
    "pandas.plotting._matplotlib",
    "PIL.PngImagePlugin",
    "dateutil.tz",
    "zoneinfo",
    "csv",
    "decimal",
    "fractions",
    "gzip",
    "json",
    "pathlib",
    "sqlite3",
    "statistics",
    "subprocess",
    "pexpect",
    "urllib.request",
    "zipfile",
    "concurrent.futures.thread",
    "multiprocessing.util",
    "asyncio",
    "html",
    "xml.etree.ElementTree",
    "IPython.core.pylabtools",
    "IPython.core.completer",
    "IPython.core.magics.script",
    "IPython.utils._process_posix",
)


def prepare(names: Sequence[str] | None = None) -> dict[str, Any]:
    """Import `names` (MODULES unless given), make the kernel, warm it. Gives what the fork server tells the service.

    Raises RuntimeError when this process has more than one thread afterwards: it could not be forked.
    """
    started = time.perf_counter()
    # debugpy costs about 90 ms and opens a socket of its own; nobody can attach a debugger to a batch run.
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # makes `import debugpy` fail at once
    from . import framed, kernel, warming  # the kernel before matplotlib: it looks for a shell when it is imported

    made = kernel.create_kernel()
    del sys.modules["debugpy"]
    preloaded, skipped = _load(MODULES if names is None else names)
    warming.warm(made)
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(f"after preloading there are {threads} threads; a process with more than one can't be forked")
    assert framed.serve  # imported by now: the fork server has no path to its own files any more
    import ipykernel

    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "ipykernel": ipykernel.__version__,
        "threads": threads,
        "preloaded": preloaded,
        "skipped": skipped,
        "preloadMs": round((time.perf_counter() - started) * 1000),
    }


def _load(names: Sequence[str]) -> tuple[list[str], list[dict[str, str]]]:
    preloaded: list[str] = []
    skipped: list[dict[str, str]] = []
    for name in names:
        try:
            importlib.import_module(name)
            preloaded.append(name)
        except Exception as problem:  # whatever it is, a notebook that needs the module will see it for itself
            skipped.append({"module": name, "why": f"{type(problem).__name__}: {problem}"})
    return preloaded, skipped
