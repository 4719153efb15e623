"""What the fork server does once, so that its children need not: imports, a kernel, and a first run of what is slow first.

Afterwards there is one thread, no event loop, no open socket, and no trace of it that a notebook could find.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .kernel import FramedKernel

# Cheap and common. scipy and scikit-learn are left out: together 83 MB of the fork server, and each fork takes a third longer.
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

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# How long an idle thread of OpenBLAS looks for work, as a power of two of processor ticks: 0.4 ms. By default it is 25 ms, of
# a core that every run would lose, because the threads start with the first cell whether that computes or not.
# pandas imports pyarrow, whose allocator starts a thread of its own unless it is told not to.
_WHILE_IMPORTING = {
    **dict.fromkeys(_THREADS, "1"),
    "OPENBLAS_THREAD_TIMEOUT": "20",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}


def prepare(names: Sequence[str] | None = None) -> dict[str, Any]:
    """Import `names` (MODULES unless given), make the kernel, warm it. Gives what the fork server tells the service.

    Raises RuntimeError when this process has more than one thread afterwards: it could not be forked.
    """
    started = time.perf_counter()
    with _one_thread():
        made, preloaded, skipped = _make(MODULES if names is None else names)
    # After the shell's reset, which would put its own commands behind those of extensions.
    made.parent.init_extensions()
    made.parent.init_code()
    shutil.rmtree(made.parent.ipython_dir, ignore_errors=True)  # a stand-in; each child moves to its own
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(f"after preloading there are {threads} threads; a process with more than one can't be forked")
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "ipykernel": sys.modules["ipykernel"].__version__,
        "threads": threads,
        "preloaded": preloaded,
        "skipped": skipped,
        "preloadMs": round((time.perf_counter() - started) * 1000),
    }


def _make(names: Sequence[str]) -> tuple[FramedKernel, list[str], list[dict[str, str]]]:
    # debugpy costs about 90 ms and opens a socket of its own; nobody can attach a debugger to a batch run.
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # makes `import debugpy` fail at once
    from . import blas, framed, hiding, kernel, warming

    assert framed.serve  # imported now: the fork server may have no path to its own files later
    # The kernel before matplotlib, which looks for a shell when it is imported.
    made = kernel.create_kernel()
    del sys.modules["debugpy"]
    preloaded, skipped = _load(names)
    warming.warm(made)
    blas.find_libraries()
    hiding.remember_ourselves()
    return made, preloaded, skipped


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Libraries of linear algebra start their threads when they are imported, as many as these variables say."""
    before = {name: os.environ.get(name) for name in _WHILE_IMPORTING}
    os.environ.update(_WHILE_IMPORTING)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


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
