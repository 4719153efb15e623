"""Runs throw-away cells in the kernel before the fork, so that code which is imported or compiled on first use is there
for every child; then removes every trace of them.
"""

from __future__ import annotations

import asyncio
import io
import linecache
import logging
import sys
import warnings
from typing import Any

from .kernel import FramedKernel

# None starts a process or a thread, and none runs OpenMP code, which does not survive a fork.
_CELLS = (
    "x = 1",
    "x",
    "print('text', end='')",
    "%time y = 2",
    "%%capture z\nprint(1)",
    "1/0",
    "import asyncio\nawait asyncio.sleep(0)",
    "print?",
    "def f():\n    return undefined_name\nf()",
    "from IPython.display import display, HTML, clear_output\ndisplay(HTML('<b>x</b>'))",
    "{'a': [1, 2.0, None]}",
)
_PANDAS = (
    "import pandas as pd\npd.DataFrame({'a': [1, 2.5], 'b': ['x', None]}, index=pd.to_datetime(['2024-01-01', '2024-01-02']))",
    "pd.DataFrame({'a': [1, 2, 1], 'b': [1.0, 2.0, 3.0]}).groupby('a').mean().describe()",
)
_MATPLOTLIB = ("import matplotlib.pyplot as plt\nplt.plot([1, 2], [1, 3], label='a'); plt.title('t'); plt.legend();",)

# Every module has them, and the shell's reset takes them away with the names that cells have made.
_OF_MODULES = {"__doc__", "__loader__", "__package__", "__spec__"}


def warm(kernel: FramedKernel) -> None:
    """Leaves a kernel that has never run a cell, in a process without an event loop."""
    module = {name: value for name, value in kernel.shell.user_ns.items() if name in _OF_MODULES}
    cells = [*_CELLS]
    cells += _PANDAS if "pandas" in sys.modules else ()
    cells += _MATPLOTLIB if "matplotlib.pyplot" in sys.modules else ()
    standard = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
    try:
        asyncio.run(_run(kernel, cells))
    finally:
        sys.stdout, sys.stderr = standard
    _forget(kernel)
    kernel.shell.user_ns.update(module)


async def _run(kernel: FramedKernel, cells: list[str]) -> None:
    from tornado.ioloop import IOLoop

    kernel.io_loop = IOLoop.current()
    for code in cells:
        request = {
            "header": {"msg_id": "warm", "msg_type": "execute_request"},
            "metadata": {},
            "content": {"code": code, "silent": False, "store_history": True, "stop_on_error": False},
        }
        kernel.set_parent([], request, channel="shell")
        await kernel.execute_request(None, [], request)


def _forget(kernel: FramedKernel) -> None:
    shell: Any = kernel.shell
    kernel.io_loop = None
    shell.reset(new_session=True)
    history = shell.history_manager
    history.db.close()
    history.init_db()  # one that has never seen a session, so that the next is the first
    history.new_session()
    history._i00 = history._i = history._ii = history._iii = ""
    for name in ("_", "__", "___"):
        setattr(shell.displayhook, name, "")
        shell.user_ns[name] = ""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            delattr(sys, name)
    shell._last_traceback = None
    shell.last_execution_succeeded, shell.last_execution_result = True, None
    shell.payload_manager.clear_payload()
    kernel.set_parent([], {}, channel="shell")
    shell.set_parent({})
    for name in [name for name in linecache.cache if "ipykernel_" in name]:
        del linecache.cache[name]
    warnings._filters_mutated()  # type: ignore[attr-defined]  # every "once per place" starts over
    logging.root.handlers.clear()
    _forget_backend()


def _forget_backend() -> None:
    """Matplotlib lists the backends that were ever asked for; it finds this one again when somebody plots."""
    registry = sys.modules.get("matplotlib.backends.registry")
    if registry is not None:
        registry.backend_registry._backend_to_gui_framework.pop("module://matplotlib_inline.backend_inline", None)
