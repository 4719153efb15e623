"""Runs notebooks through nbclient, two at a time, and writes what came out as JSON: the peer of the conformance test.

Called with the target, then the notebooks. The target gets one object per notebook: the error's class (or null) and the cells.
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


async def run(path: Path, places: asyncio.Semaphore) -> dict[str, object]:
    """Run one notebook to its end, the way `jupyter execute` does."""
    notebook = nbformat.read(path, as_version=4)
    async with places:
        manager = AsyncKernelManager(kernel_spec_manager=ThisPython(), transport="ipc", ip=f"/tmp/{path.stem}")
        client = NotebookClient(notebook, km=manager)
        error = None
        try:
            await client.async_execute()
        except Exception as raised:
            error = type(raised).__name__
        finally:
            await manager.shutdown_kernel(now=True)  # nbclient leaves a manager it was given running
    return {"error": error, "notebook": notebook}


async def main(target: str, paths: list[str]) -> None:
    """Run all of them and write the results by file name."""
    places = asyncio.Semaphore(AT_ONCE)
    results = await asyncio.gather(*(run(Path(path), places) for path in paths))
    named = {Path(path).name: result for path, result in zip(paths, results)}
    Path(target).write_text(json.dumps(named), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
