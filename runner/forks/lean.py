"""What IPython keeps of a run although nobody in a batch run can look at it."""

from __future__ import annotations

import contextlib
from typing import Any


def keep_no_prints(shell: Any) -> None:
    """IPython 9 keeps a copy of all that was printed, for a history that ends with the kernel.

    A cell that prints 300 MB would need 300 MB for it, and end for want of memory instead of reaching its output limit.
    """
    if hasattr(shell, "_tee"):
        shell._tee = lambda channel: contextlib.nullcontext()
