"""Stands in for the kernel of a fork server in tests: evaluates what it is sent, inside the sandbox, and answers.

One JSON text a line, both ways. It is only reachable through the socket the fork server connects to its own service.
"""

import contextlib
import json
import multiprocessing
import os
import socket
import sys
import tempfile

with contextlib.suppress(ImportError):
    import numpy.random  # noqa: F401  # imported before the fork, as by the real one

# What siblings would share if nobody saw to it: names drawn, and a key made, before the fork.
tempfile.gettempdir()
multiprocessing.current_process()


def serve(connection: socket.socket, name: str, _ready: object) -> None:
    """Answer until the socket ends: `{"run": statements}` or `{"value": expression}`, both in one namespace."""
    with connection.makefile("rw", encoding="utf-8") as lines:
        names: dict[str, object] = {"connection": connection, "os": os, "sys": sys, "socket": socket}
        print(json.dumps({"id": name}), file=lines, flush=True)
        for line in lines:
            asked = json.loads(line)
            try:
                if "run" in asked:
                    exec(asked["run"], names)  # noqa: S102  # what it is for
                value = eval(asked.get("value", "None"), names)  # noqa: S307
                answer = {"value": value}
            except BaseException as error:
                answer = {"error": type(error).__name__, "errno": getattr(error, "errno", None), "says": str(error)}
            print(json.dumps(answer, default=repr), file=lines, flush=True)
    sys.stdout.flush()
    os._exit(0)
