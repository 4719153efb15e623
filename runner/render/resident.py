"""Pages from a process that has everything ready: the fork server imports this, and forks a child for each page.

A child is shut in like a kernel before it hears of a notebook, makes one page, and ends. What one notebook does to the
library it is rendered with, another one never sees.
"""

from __future__ import annotations

import gc
import os
import socket
from typing import NoReturn

from forks.wire import Frames, frame_of, pack

from .exporter import PageExporter

_pages = PageExporter()
_pages.warm()


def serve(sock: socket.socket, run_id: str, _: object) -> NoReturn:
    """Say that we are ready, take one notebook, answer with its page or with why there is none, and end."""
    gc.disable()  # the process ends before there is much to collect
    sock.sendall(frame_of(pack({"t": "ready", "id": run_id, "c": {"status": "ok"}})))
    title, notebook = _receive(sock)
    try:
        page = _pages.page(notebook.decode("utf-8", "replace"), title).encode("utf-8", "replace")
    except Exception as problem:
        why = f"{type(problem).__name__}: {problem}"[:2000]
        sock.sendall(frame_of(pack({"t": "failed", "c": {"why": why}})))
    else:
        sock.sendall(frame_of(pack({"t": "page"}), page))
    os._exit(0)


def _receive(sock: socket.socket) -> tuple[str, bytes]:
    frames = Frames()
    while piece := sock.recv(1 << 20):
        for asked, notebook in frames.take(piece):
            return str(asked["c"]["title"]), notebook
    os._exit(0)  # the service has no use for it any more
