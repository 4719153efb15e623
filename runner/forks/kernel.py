"""ipykernel's own kernel and shell, made before any fork, without a ZeroMQ context, a socket or a thread.

Everything a cell can notice is done by the stock classes; only the way messages go and the way they are handed to the
handlers is ours. Written against ipykernel 6.17, 6.29 and 7.4, which differ in how they keep the parent of an output.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import threading
from types import SimpleNamespace
from typing import Any

from IPython.core.application import BaseIPythonApplication
from ipykernel.displayhook import ZMQDisplayHook
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp

from .lean import keep_no_prints
from .wire import FramedSession


class FramedKernel(IPythonKernel):
    """The stock kernel, except for what it can't have here."""

    _supports_kernel_subshells = False  # 7.x asks; each would be a thread with sockets of its own

    def pre_handler_hook(self) -> None:
        """From here on an interrupt raises."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def post_handler_hook(self) -> None:
        """From here on an interrupt does nothing."""
        ignore_interrupts()

    def _abort_queues(self, *_: object) -> None:
        """The service stops by itself after an error, and asks one thing at a time."""


# `get_ipython().kernel` is printed, and its class is looked at, as that of a stock kernel.
FramedKernel.__name__, FramedKernel.__qualname__ = IPythonKernel.__name__, IPythonKernel.__qualname__
FramedKernel.__module__ = IPythonKernel.__module__


def ignore_interrupts() -> None:
    """Returns with an interrupt handler that does nothing, also when interrupts come one after the other.

    Not SIG_IGN: Python complains on stderr about a signal whose handler was taken away before it ran.
    """
    while True:
        try:
            signal.signal(signal.SIGINT, _nothing)
            return
        except KeyboardInterrupt:
            continue


def _nothing(*_: object) -> None:
    pass


def create_kernel() -> FramedKernel:
    """Make application, kernel and shell as IPKernelApp.initialize does, leaving out all that talks to somebody.

    The profile folder is a temporary one until settle_home; nothing is read from or written to the real home.
    """
    folder = tempfile.mkdtemp(prefix="fieldbook-profile-")
    app = IPKernelApp.instance()
    app.log_level = logging.CRITICAL
    app.ipython_dir = folder
    # The history in memory: on disk it would be a database and a thread, for nobody.
    BaseIPythonApplication.initialize(app, ["--HistoryManager.hist_file=:memory:", "-f", "framed"])
    # Its handlers write to the descriptor that becomes part of the notebook's output.
    app.log.handlers = [logging.NullHandler()]
    app.log.propagate = False
    app.init_pdb()
    app.configure_tornado_logger()
    app.session = FramedSession(parent=app, key=b"")
    kernel = FramedKernel.instance(
        parent=app, session=app.session, log=app.log, profile_dir=app.profile_dir, user_ns=app.user_ns
    )
    kernel._execute_sleep = 0  # it gives ZeroMQ's threads time, and there are none
    kernel.shell_channel_thread = SimpleNamespace(parent_thread=threading.main_thread())  # 7.x compares with it
    app.kernel = kernel
    app.displayhook = sys.displayhook = ZMQDisplayHook(app.session, None)
    app.displayhook.get_execution_count = lambda: kernel.execution_count
    app.patch_io()
    app.init_path()
    app.init_shell()
    app.init_gui_pylab()
    keep_no_prints(kernel.shell)
    return kernel


def settle_home(kernel: FramedKernel) -> None:
    """In the child: move to the home and the current folder of this run, as if the kernel had been started there."""
    app, shell = kernel.parent, kernel.shell
    home = os.path.expanduser("~")
    shell.init_environment()
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as init_gui_pylab
    tempfile.tempdir = None
    shell.home_dir = home
    shell.starting_dir = os.getcwd()
    _move_profile(app, shell, os.path.join(home, ".ipython"))
    history = shell.history_manager
    history.dir_hist[:] = [type(folder)(os.getcwd()) for folder in history.dir_hist[:1]]


def _move_profile(app: Any, shell: Any, folder: str) -> None:
    location = os.path.join(folder, "profile_default")
    # Past the observers, which would make folders that a kernel started here would not have made.
    app._trait_values["ipython_dir"] = shell._trait_values["ipython_dir"] = folder
    app.profile_dir._location_isset = False  # it refuses a second location, and the first was a stand-in
    app.profile_dir.location = location
    if hasattr(shell, "_db"):
        shell._db = None  # IPython 9 makes it when it is first used
    elif getattr(shell, "db", None) is not None:
        shell.db = type(shell.db)(os.path.join(location, "db"))


def requested(request: dict[str, Any], binary: bytes) -> dict[str, Any]:
    """A frame of the service as the message ipykernel's handlers expect."""
    sizes = request.get("b", ())
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    header = {"msg_id": request.get("i", ""), "msg_type": request["t"], "session": "", "username": "", "version": "5.3"}
    return {
        "header": header,
        "msg_id": header["msg_id"],
        "msg_type": header["msg_type"],
        "parent_header": {},
        "metadata": {},
        "content": request.get("c", {}),
        "buffers": [memoryview(binary)[start : start + size] for start, size in zip(starts, sizes)],
    }
