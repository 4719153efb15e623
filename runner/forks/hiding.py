"""Removes what a notebook could find of our own code in its interpreter: modules, folders on the path, arguments."""

from __future__ import annotations

import importlib.util
import os
import sys

_FOUND = importlib.util.find_spec("ipykernel_launcher")
_LAUNCHER = _FOUND.origin if _FOUND is not None and _FOUND.origin is not None else ""


_known: tuple[str, ...] = ()


def remember_ourselves() -> None:
    """Before the fork: which modules are ours. Looking at the names of all modules touches, and so copies, 500 pages."""
    global _known
    ours = __name__.partition(".")[0]
    _known = tuple(name for name in sys.modules if name.partition(".")[0] == ours)


def hide_ourselves() -> None:
    """Forget the `forks` package, which a notebook may have one of its own of, and look like ipykernel's launcher.

    Everything of ours that is needed later has to be imported by now. The current folder is off the path, too:
    IPKernelApp.init_path puts it where it belongs.
    """
    if not _known:
        remember_ourselves()
    for name in _known:
        sys.modules.pop(name, None)
    runner = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = [folder for folder in sys.path if folder not in ("", runner)]
    # Without the launcher's own arguments: a notebook that parses its arguments would stumble over them.
    sys.argv = [_LAUNCHER]
