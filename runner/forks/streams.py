"""sys.stdout and sys.stderr of a framed kernel, and what is written to descriptors 1 and 2 beside Python.

To a user they are ipykernel's: same class name, same errors, text gathered and sent before anything else the cell shows.
"""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any

from ipykernel.iostream import IOPubThread, OutStream

from .relay import Relay
from .wire import FramedSession

GATHER_S = 0.1  # how old a print of a cell that still runs may become before it is sent
_PIECE = 64 * 1024  # characters of one message
_PIPE = 1 << 20


class _NoThread(IOPubThread):
    """OutStream insists on one; this one never starts, and has no socket."""

    def __init__(self) -> None:
        self.io_loop = None
        self.thread = None

    def schedule(self, f: Callable[[], object]) -> None:
        """As a thread that is not alive: at once."""
        f()


class FramedStream(OutStream):
    """One of the two. `parent_header`, set_parent and the rest of the bookkeeping are those of the ipykernel in use."""

    def __init__(self, session: FramedSession, name: str, descriptor: int, wake: Callable[[], None]) -> None:
        super().__init__(session, _NoThread(), name, watchfd=False)
        self._descriptor = descriptor
        self._wake = wake
        self._parts: list[tuple[dict[str, Any], list[str]]] = []
        self._size = 0
        self._flush_lock = threading.RLock()
        self.captured = _Capture(descriptor, self._take_captured)

    def fileno(self) -> int:
        """The captured descriptor: what a child process writes to it is shown, where stock ipykernel loses it."""
        return self._descriptor

    def write(self, string: str) -> int | None:
        """Gather text for the cell that prints it. Raises TypeError for anything but str, as text files do."""
        if not isinstance(string, str):
            raise TypeError(f"write() argument must be str, not {type(string)}")
        if self.echo is not None:
            with contextlib.suppress(OSError):
                self.echo.write(string)
        if self.pub_thread is None:
            raise ValueError("I/O operation on closed file")
        if not self._is_master_process():
            self._send(self.parent_header, string)  # at once: nobody knows whether a forked process will ever flush
            return len(string)
        self.captured.drain()  # 0.3 µs when there is nothing; keeps the order with what a child process has written
        self._gather(self.parent_header, string)
        return len(string)

    def flush(self) -> None:
        """Send what is gathered, now."""
        if self.echo is not None:
            with contextlib.suppress(OSError):
                self.echo.flush()
        if self._is_master_process():
            self.captured.drain()
            self._flush()

    def close(self) -> None:
        """Refuse all further text; the descriptor stays captured."""
        self.flush()
        self.pub_thread = None

    def settle(self) -> None:
        """At the end of a cell: also the bytes that were waiting for the rest of a character."""
        self.captured.drain()
        self.captured.finish()
        self._flush()

    def _gather(self, parent: dict[str, Any], string: str) -> None:
        if not string:
            return
        with self._buffer_lock:
            if self._parts and self._parts[-1][0] is parent:
                self._parts[-1][1].append(string)
            else:
                self._parts.append((parent, [string]))
            self._size += len(string)
        if self._size >= _PIECE:
            self._flush()
        else:
            self._wake()

    def _take_captured(self, text: str) -> None:
        # Bytes on a descriptor come from nobody in particular: they belong to the cell that runs now.
        parent = getattr(self, "_parent_header_global", None)
        self._gather(self.parent_header if parent is None else parent, text)

    def _flush(self) -> None:
        with self._flush_lock:  # two threads that flush must not overtake each other
            while True:
                with self._buffer_lock:
                    if not self._parts:
                        return
                    parent, texts = self._parts.pop(0)
                    self._size -= sum(map(len, texts))
                self._send(parent, "".join(texts))

    def _send(self, parent: dict[str, Any], text: str) -> None:
        for start in range(0, len(text), _PIECE):
            content = {"name": self.name, "text": text[start : start + _PIECE]}
            header = {"msg_type": "stream"}
            self.session.send(None, {"header": header, "parent_header": parent, "metadata": {}, "content": content})


# Programs look at the class of sys.stdout, and print it: it goes by the name of the one it stands in for.
FramedStream.__name__, FramedStream.__qualname__ = OutStream.__name__, OutStream.__qualname__
FramedStream.__module__ = OutStream.__module__


class _Capture:
    """A pipe in the place of a descriptor: output of child processes and of C code."""

    def __init__(self, descriptor: int, take: Callable[[str], None]) -> None:
        self.reading, writing = os.pipe()
        os.set_blocking(self.reading, False)
        # C code that prints while it holds the interpreter's lock waits for a reader that waits for the lock.
        # 64 KB are soon full; a megabyte is the most everybody may ask for.
        with contextlib.suppress(OSError):
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
        os.dup2(writing, descriptor)
        self._writing = writing  # kept, else a user's os.close(1) would be the end of the pipe
        self._take = take
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lock = threading.RLock()
        self._ready = select.poll()
        self._ready.register(self.reading, select.POLLIN)

    def drain(self) -> None:
        """Hand on what is in the pipe now. Bounded, because a child process may fill it as fast as we read."""
        with self._lock:
            if not self._has_data():
                return
            for _ in range(2 * _PIPE // _PIECE):
                try:
                    data = os.read(self.reading, _PIECE)
                except BlockingIOError:
                    return
                self._take(self._decoder.decode(data))

    def _has_data(self) -> bool:
        try:
            return bool(self._ready.poll(0))
        except RuntimeError:  # a signal handler of the user's prints while this very call is being made
            return True

    def finish(self) -> None:
        """No more bytes will complete the last character."""
        with self._lock:
            self._take(self._decoder.decode(b"", final=True))


class StreamKeeper:
    """The one helper thread of a framed kernel: reads the pipes, passes on what forked processes send, sends old prints.

    It is there before the first cell, which may use up all the processes it is allowed.
    """

    def __init__(self, session: FramedSession, relay: Relay) -> None:
        self._relay = relay
        self._session = session
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._awake = False
        self._woken, self._waking = os.pipe()
        os.set_blocking(self._waking, False)
        self.streams = (
            FramedStream(session, "stdout", 1, self._wake),
            FramedStream(session, "stderr", 2, self._wake),
        )

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._live, daemon=True, name="IOPub").start()  # the name it has in ipykernel

    def flush(self) -> None:
        """Send all that is gathered, standard output first, as the stock kernel does."""
        self.pass_on()
        for stream in self.streams:
            stream.flush()

    def settle(self) -> None:
        """At the end of a cell: everything that was written until now is on its way."""
        self.pass_on()
        for stream in self.streams:
            stream.settle()

    def pass_on(self) -> None:
        """Send on what forked processes have sent."""
        wire = self._session.wire
        if wire is not None and os.getpid() == self._pid:
            with self._lock:
                self._relay.drain(wire.post)

    def _wake(self) -> None:
        if not self._awake:  # at most one write for each round of the thread
            self._awake = True
            with contextlib.suppress(OSError):
                os.write(self._waking, b"1")

    def _live(self) -> None:
        try:
            self._run()
        finally:
            os._exit(70)  # a kernel whose output nobody sends would only look as if it worked

    def _run(self) -> None:
        ready = select.poll()
        captures = {stream.captured.reading: stream.captured for stream in self.streams}
        for descriptor in (*captures, self._relay.fileno(), self._woken):
            ready.register(descriptor, select.POLLIN)
        due: float | None = None
        while True:
            left = None if due is None else max(0.0, (due - time.monotonic()) * 1000)
            for descriptor, _ in ready.poll(left):
                if descriptor == self._woken:
                    os.read(self._woken, 64)
                    due = due or time.monotonic() + GATHER_S
                elif descriptor in captures:
                    captures[descriptor].drain()
                else:
                    self.pass_on()
            if due is not None and time.monotonic() >= due:
                self._awake, due = False, None
                for stream in self.streams:
                    stream._flush()
