"""How processes that user code forks (os.fork, multiprocessing) get their messages out.

They must not write to the kernel's own socket. As with ipykernel's pipe, their messages go to the kernel's process, which
sends them on; each carries the cell the process was forked in.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable

_HEAD = struct.Struct("<II?")  # process, thread, whether this is the last part
_PART = 32 * 1024  # a datagram is sent whole or not at all; the smallest send buffers hold 200 KB
_HELD = 64 * 1024 * 1024  # of unfinished messages; a process that dies in the middle leaves one


class Relay:
    """A socket pair of datagrams: the kernel's process reads at one end, its forked children write at the other."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._read.setblocking(False)
        self._parts: dict[tuple[int, int], list[bytes]] = {}
        self._held = 0

    def fileno(self) -> int:
        """The descriptor that becomes readable when something has come."""
        return self._read.fileno()

    def send(self, frame: bytes) -> None:
        """In a forked process: hand a frame over. Takes no lock, because a fork may have happened while one was held."""
        pid, thread = os.getpid(), threading.get_ident() & 0xFFFFFFFF
        with contextlib.suppress(OSError):  # the kernel is gone, and so is everybody who would read it
            for start in range(0, len(frame), _PART):
                part = frame[start : start + _PART]
                self._write.send(_HEAD.pack(pid, thread, start + _PART >= len(frame)) + part)

    def drain(self, post: Callable[[bytes], None]) -> None:
        """In the kernel's process: pass on each frame that is complete."""
        while True:
            try:
                data = self._read.recv(_HEAD.size + _PART)
            except OSError:
                return
            if len(data) < _HEAD.size:
                return
            pid, thread, is_last = _HEAD.unpack_from(data)
            parts = self._parts.setdefault((pid, thread), [])
            parts.append(data[_HEAD.size :])
            self._held += len(data)
            if self._held > _HELD:
                self._parts.clear()
                self._held = 0
            elif is_last:
                del self._parts[pid, thread]
                frame = b"".join(parts)
                self._held -= len(frame) + _HEAD.size * len(parts)
                post(frame)
