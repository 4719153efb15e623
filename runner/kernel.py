"""Starts ipykernel the way `python -m ipykernel_launcher` does, without the debugger nobody can attach to in a batch run.

Loading debugpy costs about 90 ms and opens a socket of its own; a notebook that imports it later gets the real module.
"""

import sys


def main() -> None:
    """Run the kernel described by the connection file named on the command line until it is told to end."""
    del sys.path[0]  # the folder of this file; ipykernel puts the current folder there instead
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # makes `import debugpy` fail at once
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize()
    del sys.modules["debugpy"]
    app.start()


if __name__ == "__main__":
    main()
