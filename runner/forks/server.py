"""The fork server's loop: orders come in on the control channel, children are forked, watched and reported.

One thread, and nothing that blocks for long. An order that fails is answered; only the end of the channel ends the
server, and everything it has started with it.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from .child import SHUT_IN
from .contained import Ending
from .order import Spawn, parse_spawn

_MAX_LINE = 1 << 20
_MAX_REPORT = 4096


class Control:
    """The channel to the service: one JSON object a line, both ways."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        channel.set_inheritable(False)  # else the first process of every run would keep it open
        self._rest = b""

    def send(self, event: dict[str, Any]) -> None:
        """Write one event; a service that is gone is not an error here, its channel's end is."""
        try:
            self.channel.sendall(json.dumps(event).encode() + b"\n")
        except OSError:
            os._exit(0)

    def receive(self) -> list[dict[str, Any]]:
        """The orders that have come, at least a part of one being there; ends the process with the channel."""
        try:
            piece = self.channel.recv(65536)
        except ConnectionResetError:
            piece = b""
        if not piece:
            os._exit(0)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > _MAX_LINE:
            os._exit(1)
        return [json.loads(line) for line in lines]


class Processes(Protocol):
    """What is forked for one run, whichever way it is kept together."""

    pid: int
    ending: Ending

    def descriptors(self) -> tuple[int, ...]:
        """Readable when something has ended; `reap` must be called then."""

    def signal(self, number: int) -> None:
        """To the kernel's process group."""

    def kill(self) -> None:
        """SIGKILL to everything."""

    def reap(self) -> bool:
        """Wait for what has ended, without blocking; true when nothing is left."""


class Run:
    """One child and what is known of it. `report`: a descriptor that is the run's from here on."""

    def __init__(self, order: Spawn, processes: Processes, report: int, started: float) -> None:
        self.id = order.id
        self.processes = processes
        self.report = report
        self.started = started
        self.failure: str | None = None


class Server:
    """All runs of a fork server. `fork` starts one; `drop` takes away what is kept of one that has ended."""

    def __init__(self, control: Control, fork: Callable[[Spawn], Run], drop: Callable[[str], None]) -> None:
        self._control = control
        self._fork = fork
        self._drop = drop
        self._runs: dict[str, Run] = {}
        self._kept: set[str] = set()
        self._selector = selectors.DefaultSelector()

    def serve(self) -> NoReturn:
        """Work until the control channel ends, which ends the process."""
        self._watch(self._control.channel.fileno(), self._take_orders)
        while True:
            for key, _ in self._selector.select():
                # An event of the same round may have dealt with this one already.
                if self._selector.get_map().get(key.fd) is key:
                    key.data()

    def _watch(self, descriptor: int, react: Callable[[], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, react)

    def _take_orders(self) -> None:
        for order in self._control.receive():
            operation = order.get("op")
            if operation == "spawn":
                self._spawn(order)
            elif operation == "forget":
                self._forget(str(order.get("id")))
            elif (run := self._runs.get(str(order.get("id")))) is not None:
                if operation == "kill":
                    run.processes.kill()
                elif operation == "signal":
                    run.processes.signal(int(order["signal"]))

    def _spawn(self, order: dict[str, Any]) -> None:
        name = str(order.get("id"))
        try:
            spawn = parse_spawn(order)
            if name in self._runs or name in self._kept:
                raise ValueError(f"there is a run {name} already")
            run = self._fork(spawn)
        except Exception as error:
            self._control.send({"ev": "unspawned", "id": name, "why": f"{type(error).__name__}: {error}"})
            return
        self._runs[name] = run
        self._watch(run.report, lambda: self._read_report(run))
        for descriptor in run.processes.descriptors():
            self._watch(descriptor, lambda: self._reap(run))

    def _read_report(self, run: Run) -> None:
        text = os.read(run.report, _MAX_REPORT)
        self._selector.unregister(run.report)
        os.close(run.report)
        run.report = -1
        if text == SHUT_IN:
            took = time.perf_counter() - run.started
            self._control.send({"ev": "spawned", "id": run.id, "pid": run.processes.pid, "ms": round(took * 1000, 2)})
        else:
            run.failure = text.decode(errors="replace") or "the child ended before it was shut in"
            run.processes.kill()

    def _reap(self, run: Run) -> None:
        if run.report >= 0:
            self._read_report(run)
        # Before they are closed: a child that was just forked has them open as well, and epoll would go on telling of them.
        for descriptor in run.processes.descriptors():
            self._selector.unregister(descriptor)
        gone = run.processes.reap()
        for descriptor in run.processes.descriptors():
            self._watch(descriptor, lambda: self._reap(run))
        if not gone:
            return
        del self._runs[run.id]
        ending = run.processes.ending
        if run.failure is not None:
            self._drop(run.id)
            self._control.send({"ev": "unspawned", "id": run.id, "why": run.failure})
            return
        self._kept.add(run.id)
        self._control.send(
            {
                "ev": "exit",
                "id": run.id,
                "status": ending.status,
                "utime": ending.user_seconds,
                "stime": ending.system_seconds,
                "maxrssBytes": ending.peak_bytes,
            }
        )

    def _forget(self, name: str) -> None:
        if name in self._kept:
            self._kept.remove(name)
            self._drop(name)
