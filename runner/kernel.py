"""Starts ipykernel the way `python -m ipykernel_launcher` does, without the debugger nobody can attach to in a batch run.

Loading debugpy costs about 90 ms and opens a socket of its own; a notebook that imports it later gets the real module.
"""

import atexit
import sys

from forks.descriptors import watch
from forks.ending import leave
from forks.hiding import hide_ourselves
from forks.lean import keep_no_prints
from forks.wire import pack


def main() -> None:
    """Run the kernel described by the connection file named on the command line until it is told to end."""
    arguments = sys.argv[1:]
    hide_ourselves()
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # makes `import debugpy` fail at once
    from ipykernel.iostream import OutStream
    from ipykernel.kernelapp import IPKernelApp

    OutStream._watch_pipe_fd = watch  # type: ignore[method-assign]
    app = IPKernelApp.instance()
    app.initialize(arguments)
    keep_no_prints(app.shell)
    del sys.modules["debugpy"]
    app.session.pack = pack  # the stock one loses a print that has half a surrogate pair in it, and all that came with it
    app.start()
    # Closing the sockets waits for a thread that has ended already in some of 100 ends; nobody reads them any more.
    atexit.unregister(app.close)
    leave()


if __name__ == "__main__":
    main()
