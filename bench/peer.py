"""The peers of the benchmarks: one notebook executed and written by nbclient or by papermill, as a script would."""

import os
import sys


def by_nbclient(source: str, target: str) -> None:
    """Read, execute and write with nbclient; the kernel starts in the output folder."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(source, as_version=4)
    resources = {"metadata": {"path": os.environ["OUTPUT_DIR"]}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    nbformat.write(notebook, target)


def by_papermill(source: str, target: str) -> None:
    """Execute with papermill's own function: its command line would import still more."""
    import papermill

    papermill.execute_notebook(source, target, cwd=os.environ["OUTPUT_DIR"], progress_bar=False)


if __name__ == "__main__":
    name, source, target = sys.argv[1:4]
    {"nbclient": by_nbclient, "papermill": by_papermill}[name](source, target)
