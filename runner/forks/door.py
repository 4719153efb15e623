"""The way back to the service for its children: its listening socket, reachable though the root it lies in is gone."""

from __future__ import annotations

import os
import socket

# The service accepts at once; a listener whose queue is full for this long has a problem that waiting does not solve.
_CONNECT_SECONDS = 5


class Door:
    """Opened before the root is changed. A folder's descriptor also makes the path short: it may have 107 bytes."""

    def __init__(self, listener: str) -> None:
        folder, self._name = os.path.split(listener)
        self._folder = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def connect(self) -> int:
        """A new connection, as a descriptor the caller owns; raises OSError."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_CONNECT_SECONDS)
            connection.connect(f"/proc/self/fd/{self._folder}/{self._name}")
            connection.setblocking(True)
            return connection.detach()
