"""The peer of the overhead benchmark: reads a notebook, executes it with nbclient, writes it, as a script would."""

import os
import sys

import nbformat
from nbclient import NotebookClient


def main() -> None:
    """Execute the notebook named first into the file named second; the kernel starts in the output folder."""
    source, target = sys.argv[1:3]
    notebook = nbformat.read(source, as_version=4)
    resources = {"metadata": {"path": os.environ["OUTPUT_DIR"]}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    nbformat.write(notebook, target)


if __name__ == "__main__":
    main()
