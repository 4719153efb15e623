"""Removes what a notebook could find of our own code in its interpreter: modules, folders on the path, arguments."""

from __future__ import annotations

import importlib.util
import os
import sys


def hide_ourselves() -> None:
    """Forget the `forks` package, which a notebook may have one of its own of, and look like ipykernel's launcher.

    Everything of ours that is needed later has to be imported by now. The current folder is off the path, too:
    IPKernelApp.init_path puts it where it belongs.
    """
    ours = __name__.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == ours]:
        del sys.modules[name]
    runner = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = [folder for folder in sys.path if folder not in ("", runner)]
    # Without the launcher's own arguments: a notebook that parses its arguments would stumble over them.
    launcher = importlib.util.find_spec("ipykernel_launcher")
    sys.argv = [launcher.origin if launcher and launcher.origin else ""]
