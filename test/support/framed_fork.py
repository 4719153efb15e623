"""Forks framed kernels without a sandbox, for tests: prepares once, then one kernel for each line [id, home, socket] on stdin.

Speaks JSON lines on stdout: what prepare gave, then {"id", "pid"} and {"id", "status"} for each kernel.
"""

import gc
import importlib
import json
import os
import selectors
import shutil
import socket
import sys

sys.path[0] = sys.argv[1]
from forks import preload  # noqa: E402


def main() -> None:
    given = json.loads(sys.argv[2])
    os.makedirs(os.environ["MPLCONFIGDIR"])
    for file in given["fonts"]:
        shutil.copy(file, os.environ["MPLCONFIGDIR"])
    said = os.fdopen(os.dup(1), "w", buffering=1)
    say(said, preload.prepare(given["modules"]))
    gc.collect()
    gc.freeze()
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    kernels = {}
    while True:
        for key, _ in waiting.select():
            if key.fd != 0:
                pid, run_id = kernels.pop(key.fd)
                waiting.unregister(key.fd)
                os.close(key.fd)
                say(said, {"id": run_id, "status": os.waitpid(pid, 0)[1]})
                continue
            line = os.read(0, 65536)
            if not line:
                os._exit(0)
            run_id, home, path = json.loads(line)
            pid = os.fork()
            if pid == 0:
                become(said.fileno(), run_id, home, path)
            kernels[handle := os.pidfd_open(pid)] = (pid, run_id)
            waiting.register(handle, selectors.EVENT_READ)
            say(said, {"id": run_id, "pid": pid})


def say(said, what) -> None:
    said.write(json.dumps(what) + "\n")


def become(inherited: int, run_id: str, home: str, path: str) -> None:
    try:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.close(inherited)
        os.environ["HOME"] = home
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
            os.environ.pop(name, None)
        os.chdir(home)
        importlib.import_module("forks.framed").serve(sock, run_id)
    finally:
        os._exit(70)


main()
