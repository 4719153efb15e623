"""Runs notebooks through nbclient, two at a time, and writes what came out as JSON: the peer of the conformance test.

Called with the target, then the notebooks. The target gets one object per notebook: what the format's own check says of it as
it stands (or null), the class of what nbclient raised (or null), and the notebook as nbclient leaves it.
"""

import asyncio
import json
import sys
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

AT_ONCE = 2


class ThisPython(KernelSpecManager):
    """Knows one kernel: the ipykernel of the interpreter that runs this."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give that kernel for every name."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name=kernel_name, language="python")


class Client(NotebookClient):
    """nbclient, for which a lost reply about the kernel is no reason to wait for ever: one in 50 runs does otherwise."""

    async def async_wait_for_reply(self, msg_id: str, cell: object = None) -> object:
        """Wait for the reply to kernel_info, the only one that is waited for here, or go on without it."""
        try:
            return await asyncio.wait_for(super().async_wait_for_reply(msg_id, cell), 5)
        except asyncio.TimeoutError:
            return None


async def run(path: Path, places: asyncio.Semaphore) -> dict[str, object]:
    """Run one notebook to its end, the way `jupyter execute` does."""
    invalid = complaint(path)
    notebook = nbformat.read(path, as_version=4)
    async with places:
        manager = AsyncKernelManager(kernel_spec_manager=ThisPython(), transport="ipc", ip=f"/tmp/{path.stem}")
        client = Client(notebook, km=manager, timeout=60)
        error = None
        try:
            await client.async_execute()
        except Exception as raised:
            error = type(raised).__name__
        finally:
            await manager.shutdown_kernel(now=True)  # nbclient leaves a manager it was given running
    return {"invalid": invalid, "error": error, "notebook": notebook}


def complaint(path: Path) -> str | None:
    """Say what is wrong with a notebook file, by the published schema of its own version."""
    try:
        nbformat.validate(json.loads(path.read_text(encoding="utf-8")))
    except nbformat.ValidationError as error:
        return str(error)
    return None


async def main(target: str, paths: list[str]) -> None:
    """Run all of them and write the results by file name."""
    places = asyncio.Semaphore(AT_ONCE)
    results = await asyncio.gather(*(run(Path(path), places) for path in paths))
    named = {Path(path).name: result for path, result in zip(paths, results)}
    Path(target).write_text(json.dumps(named), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
