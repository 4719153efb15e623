"""Serves one kernel over one socket, in the forked child: takes requests, hands them to ipykernel's handlers, ends.

All outputs of a cell are sent before its reply, and the reply before its idle.
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
import os
import random
import signal
import socket
import sys
import traceback
import uuid
from collections.abc import Mapping
from typing import Any, NoReturn

from tornado.ioloop import IOLoop

from .blas import use_all_cores
from .ending import forget_handlers, leave
from .hiding import hide_ourselves
from .kernel import FramedKernel, ignore_interrupts, requested, settle_home
from .relay import Relay
from .streams import StreamKeeper
from .wire import FramedSession, Frames, Wire, frame_of, pack

_COMMS = {"comm_open", "comm_msg", "comm_close"}


def serve(sock: socket.socket, run_id: str, ready: Mapping[str, object] | None = None) -> NoReturn:
    """Turn this process into the kernel that preload.prepare has made; ends with the process.

    The first frame says that it takes requests; whatever is in `ready` is added to that frame.
    """
    kernel = FramedKernel.instance()
    settle_home(kernel)
    _become_somebody(kernel)
    hide_ourselves()
    kernel.parent.init_path()  # the current folder, where ipykernel has it
    forget_handlers()
    # It lets go of the user's objects, so that those with a `__del__` hear of the end.
    atexit.register(kernel.shell.atexit_operations)
    server = _Server(kernel, sock)
    server.say_ready(run_id, ready or {})
    status = server.run()
    ignore_interrupts()
    leave(server.keeper.settle, status)


def _become_somebody(kernel: FramedKernel) -> None:
    """Siblings share all memory of before the fork; whatever was drawn by chance there is drawn again."""
    kernel.session.session = uuid.uuid4().hex
    kernel.ident = str(uuid.uuid4())
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(int.from_bytes(os.urandom(4), "little"))


class _Server:
    def __init__(self, kernel: FramedKernel, sock: socket.socket) -> None:
        self.kernel = kernel
        self.session: FramedSession = kernel.session
        self._frames = Frames()
        self._sock = sock
        self._pid = os.getpid()
        relay = Relay()
        self.keeper = StreamKeeper(self.session, relay)
        sock.setblocking(True)
        self.session.wire = self._wire = Wire(sock, relay.send)
        self.session.before_send = self.keeper.flush
        self.session.pid = os.getpid()
        sys.stdout, sys.stderr = self.keeper.streams
        ignore_interrupts()
        self.keeper.start()
        os.register_at_fork(after_in_child=sock.close)  # a forked process must not keep the service waiting for our end
        self._requests: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._current: dict[str, Any] | None = None
        self._has_run = False

    def say_ready(self, run_id: str, more: Mapping[str, object]) -> None:
        """The first frame: what kernel_info would answer."""
        content = {"status": "ok", **self.kernel.kernel_info}
        self._wire.post(frame_of(pack({"t": "ready", "id": run_id, "c": content, **more})))

    def run(self) -> int:
        """Serve until the kernel is asked to end, or a cell has called `exit`; gives the status to end with."""
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.add_reader(self._sock.fileno(), self._arrived)
        self._wake_on_signals(loop)
        loop.call_soon(self._hand_loop_over)
        worker: asyncio.Task[None] | None = None
        while True:
            try:
                if worker is None or worker.done():
                    worker = loop.create_task(self._work())
                    worker.add_done_callback(_end_unless_interrupted)
                loop.run_forever()
                return 0
            except KeyboardInterrupt:
                # It came outside of the cell's code, where nothing of ours is to be interrupted.
                ignore_interrupts()
            except SystemExit as asked:  # raised in a task: it ends a stock kernel, too
                return asked.code if isinstance(asked.code, int) else int(asked.code is not None)

    def _wake_on_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        """ipykernel cancels an awaiting cell by a callback of the loop, which nothing wakes: 6.17 never reacts."""
        waking, woken = socket.socketpair()
        for end in (waking, woken):
            end.setblocking(False)
        self._signals = (waking, woken)
        signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        loop.add_reader(woken.fileno(), lambda: woken.recv(4096))

    def _hand_loop_over(self) -> None:
        self.kernel.io_loop = IOLoop.current()

    def _arrived(self) -> None:
        try:
            data = self._sock.recv(1 << 16, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            os._exit(0)  # the service is gone
        for parsed, binary in self._frames.take(data):
            request = requested(parsed, binary)
            if request["msg_type"] == "shutdown_request":
                asyncio.get_running_loop().stop()
            elif self._current is not None and request["msg_type"] in _COMMS and hasattr(self.kernel, "shell_main"):
                # A cell that awaits may be waiting for exactly this: 7.x handles it beside the cell.
                asyncio.get_running_loop().create_task(self._beside(request))
            else:
                self._requests.put_nowait(request)

    async def _work(self) -> None:
        """One request after the other, all in one context: what a cell sets in a ContextVar, the next one finds."""
        if self._current is not None:
            self._close(self._current, KeyboardInterrupt())
        while True:
            request = self._current = await self._requests.get()
            self._close(request, await self._answer(request))

    async def _answer(self, request: dict[str, Any]) -> BaseException | None:
        kernel = self.kernel
        kernel.set_parent([], request, channel="shell")
        kernel._publish_status("busy", "shell")
        kind = request["msg_type"]
        if kind == "execute_request":
            request["content"]["allow_stdin"] = False  # there is nobody to ask
            if not self._has_run:
                self._has_run = True
                use_all_cores()
        problem = None
        try:
            kernel.pre_handler_hook()
            handled = kernel.shell_handlers.get(kind, _ignored)(None, [], request)
            if inspect.isawaitable(handled):
                await handled
        except (Exception, KeyboardInterrupt) as raised:
            problem = raised
        finally:
            ignore_interrupts()
        return problem

    def _close(self, request: dict[str, Any], problem: BaseException | None) -> None:
        """Everything written until now goes out, then the reply if the handler could not send it, then the idle."""
        if os.getpid() != self._pid:
            os._exit(0)  # a process forked in a cell has come to the cell's end; it is not to serve as a second kernel
        self.keeper.settle()
        session, kind = self.session, request["msg_type"]
        if kind == "execute_request" and session.replied != request["msg_id"]:
            name, value = type(problem).__name__, str(problem)
            error = {"status": "error", "ename": name, "evalue": value, "traceback": [f"{name}: {value}"]}
            count = self.kernel.shell.execution_count - 1
            session.send(None, "execute_reply", {**error, "execution_count": count}, parent=request)
        self.kernel._publish_status("idle", "shell")
        self._current = None

    async def _beside(self, request: dict[str, Any]) -> None:
        before = self.kernel.get_parent("shell")
        self.kernel.set_parent([], request, channel="shell")
        try:
            handled = self.kernel.shell_handlers[request["msg_type"]](None, [], request)
            if inspect.isawaitable(handled):
                await handled
        except Exception:
            self.kernel.log.exception("a comm's handler raised")
        finally:
            self.kernel.set_parent([], before, channel="shell")


def _ignored(*_: object) -> None:
    pass


def _end_unless_interrupted(worker: asyncio.Task[None]) -> None:
    """A kernel that can't say that a cell is done would be waited for until the run's time is over; a dead one is told."""
    if not worker.cancelled() and isinstance(worker.exception(), Exception):
        traceback.print_exception(worker.exception(), file=sys.__stderr__)
        os._exit(70)
