"""Starts ipykernel the way `python -m ipykernel_launcher` does, without the debugger nobody can attach to in a batch run.

Loading debugpy costs about 90 ms and opens a socket of its own; a notebook that imports it later gets the real module.
"""

import atexit
import contextlib
import gc
import io
import os
import sys
import threading


def main() -> None:
    """Run the kernel described by the connection file named on the command line until it is told to end."""
    del sys.path[0]  # the folder of this file; ipykernel puts the current folder there instead
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # makes `import debugpy` fail at once
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize()
    del sys.modules["debugpy"]
    app.start()
    # Closing the sockets waits for a thread that has ended already in some of 100 ends; nobody reads them any more.
    atexit.unregister(app.close)
    leave()


def leave() -> None:
    """End as the interpreter would for the user's eyes, without taking every module apart (0.3 s with pandas loaded).

    What a user can notice is kept: threads that are no daemons are waited for, `atexit` functions run, and files that
    were left open are written out.
    """
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]  # what the interpreter itself calls first
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    # Concrete classes, because looking for an abstract one among 100,000 objects takes 50 ms. Text empties into binary.
    files = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
    left_open = [thing for thing in gc.get_objects() if isinstance(thing, files)]
    for file in sorted(left_open, key=lambda thing: not isinstance(thing, io.TextIOWrapper)):
        with contextlib.suppress(BaseException):
            file.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
