"""Jupyter messages as frames over one unix stream socket, for a kernel that has no ZeroMQ.

A frame is [u32 LE length of JSON][u32 LE length of binary][JSON][binary]. A send blocks while the service is slow, so that
a notebook can't fill the memory of either side.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import threading
import warnings
from _signal import pthread_sigmask  # signal's own makes enums of every number, which costs more than the two calls
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any

from jupyter_client.jsonutil import json_clean, json_default
from jupyter_client.session import Session, extract_header

_HEAD = struct.Struct("<II")

# A handler that raises would cut a frame in two: sendall runs handlers between its parts. These are all that people use.
_NAMES = ("SIGINT", "SIGALRM", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGPROF", "SIGCHLD")
_HELD = {int(getattr(signal, name)) for name in _NAMES}


class Wire:
    """The socket to the service. Frames of several threads come out whole, in the order the threads got here."""

    def __init__(self, sock: socket.socket, relay: Callable[[bytes], None]) -> None:
        self.sock = sock
        self._relay = relay
        self._pid = os.getpid()
        self._lock = threading.RLock()  # a signal handler of the user's may print while its thread is in here

    def post(self, frame: bytes) -> None:
        """Send one frame; from a process that user code has forked, by way of the kernel's own process."""
        if os.getpid() != self._pid:
            return self._relay(frame)
        if threading.current_thread() is not threading.main_thread():
            return self._send(frame)  # Python runs signal handlers in the main thread only
        before = pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            pthread_sigmask(signal.SIG_BLOCK, _HELD)
            self._send(frame)
        finally:
            pthread_sigmask(signal.SIG_SETMASK, before)

    def _send(self, frame: bytes) -> None:
        try:
            with self._lock:
                self.sock.sendall(frame)
        except OSError:
            os._exit(1)  # nobody listens any more, and nothing that runs here is of use to anybody


class FramedSession(Session):
    """What ipykernel calls to send; signs nothing, and keeps no ZeroMQ socket."""

    wire: Wire | None = None  # while there is none, before the fork, messages are dropped
    before_send: Callable[[], object] = staticmethod(lambda: None)  # empties the streams, so that order is kept
    replied: str | None = None  # the last request that has got its reply

    def send(  # type: ignore[override]
        self,
        stream: object,
        msg_or_type: dict[str, Any] | str,
        content: dict[str, Any] | None = None,
        parent: dict[str, Any] | None = None,
        ident: object = None,
        buffers: Iterable[Any] | None = None,
        track: bool = False,
        header: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Send a message of a type, or a whole one. Raises what serialising it raises, as the stock session does."""
        if isinstance(msg_or_type, str):
            msg: dict[str, Any] = {
                "header": header or {"msg_type": msg_or_type},
                "parent_header": extract_header(parent) if parent else {},
                "metadata": metadata or {},
                "content": content or {},
            }
        else:
            msg = dict(msg_or_type)
            buffers = buffers or msg.get("buffers")
        wire = self.wire
        if wire is None:
            return msg
        if msg["header"]["msg_type"] != "stream":
            self.before_send()
        wire.post(encode(msg, [_view(buffer) for buffer in buffers or ()]))
        if msg["header"]["msg_type"].endswith("_reply"):
            self.replied = msg["parent_header"].get("msg_id")
        return msg


def encode(msg: dict[str, Any], buffers: list[memoryview]) -> bytes:
    """The frame of a message. Raises TypeError, ValueError or RecursionError for what no JSON can hold."""
    short: dict[str, Any] = {"t": msg["header"]["msg_type"]}
    parent = msg["parent_header"].get("msg_id")
    if parent is not None:
        short["p"] = parent
    short["d"] = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    short["c"] = msg["content"]
    if msg.get("metadata"):
        short["m"] = msg["metadata"]
    if buffers:
        short["b"] = [buffer.nbytes for buffer in buffers]
    return frame_of(pack(short), b"".join(buffers))


def frame_of(text: bytes, binary: bytes = b"") -> bytes:
    """The two parts with their lengths before them."""
    if len(text) >> 32 or len(binary) >> 32:
        raise ValueError("a message of 4 GB or more can't be sent")
    return _HEAD.pack(len(text), len(binary)) + text + binary


def pack(content: dict[str, Any]) -> bytes:
    """JSON that every parser takes: NaN as text (with jupyter_client's own warning), lone surrogates as escapes."""
    try:
        return _dumps(content, ascii_only=False)
    except UnicodeEncodeError:
        return _dumps(content, ascii_only=True)
    except (TypeError, ValueError) as problem:
        cleaned = _dumps(json_clean(content), ascii_only=True)
        warnings.warn(
            f"Message serialization failed with:\n{problem}\nSupporting this message is deprecated in jupyter-client 7, "
            "please make sure your message is JSON-compliant",
            stacklevel=2,
        )
        return cleaned


def _dumps(content: object, ascii_only: bool) -> bytes:
    text = json.dumps(
        content, default=json_default, ensure_ascii=ascii_only, allow_nan=False, separators=(",", ":")
    )
    return text.encode()


def _view(buffer: Any) -> memoryview:
    try:
        view = buffer if isinstance(buffer, memoryview) else memoryview(buffer)
    except TypeError as problem:
        raise TypeError("Buffer objects must support the buffer protocol.") from problem
    if not view.contiguous:
        raise ValueError(f"Buffer {buffer!r} is not contiguous")
    return view.cast("B") if view.nbytes else memoryview(b"")


class Frames:
    """Cuts what comes from the service into messages."""

    def __init__(self) -> None:
        self._held = bytearray()

    def take(self, data: bytes) -> list[tuple[dict[str, Any], bytes]]:
        """The messages that are complete with this data, each with its binary part."""
        self._held += data
        whole: list[tuple[dict[str, Any], bytes]] = []
        while len(self._held) >= _HEAD.size:
            text, binary = _HEAD.unpack_from(self._held)
            end = _HEAD.size + text + binary
            if len(self._held) < end:
                break
            parsed = json.loads(self._held[_HEAD.size : _HEAD.size + text])
            whole.append((parsed, bytes(self._held[_HEAD.size + text : end])))
            del self._held[:end]
        return whole
