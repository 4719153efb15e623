"""What the service orders over the control channel, read once and strictly; from here on it is typed.

The service is trusted, but a missing field must be a sentence and not a traceback in the middle of a mount.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True)
class Opening:
    """The first order: what all runs of this fork server have in common."""

    level: int  # 3 or 2: namespaces; 1: Landlock
    seccomp: bytes | None
    root_links: tuple[tuple[str, str | None], ...]
    mounts: tuple[tuple[str, str], ...]  # source, target; read-only
    host: str  # below it each run has a folder
    listener: str
    cgroups: tuple[str, ...]
    env: dict[str, str]
    home: str
    etc: tuple[str, ...]
    # "module:function" to serve instead of a kernel: pages, and how tests look at a sandbox from inside.
    stand_in: str | None


@dataclass(frozen=True)
class Limits:
    """What one run may take; sizes in bytes."""

    processes: int
    open_files: int
    file_bytes: int
    temporary_bytes: int
    temporary_files: int
    output_bytes: int
    output_files: int
    data_bytes: int | None  # of each process, where no control group bounds their sum


@dataclass(frozen=True)
class Spawn:
    """One kernel."""

    id: str
    uid: int | None
    groups: tuple[str, ...]
    limits: Limits


def parse_opening(order: dict[str, Any]) -> Opening:
    """Read the first order; raises ValueError with the name of a missing field."""
    if order.get("op") != "open":
        raise ValueError("the first order must be open")
    level = int(_field(order, "level"))
    seccomp = _field(order, "seccompBare" if level == 1 else "seccomp")
    return Opening(
        level=level,
        seccomp=None if seccomp is None else base64.b64decode(seccomp),
        root_links=tuple((link["path"], link.get("target")) for link in _field(order, "rootLinks")),
        mounts=tuple((mount["source"], mount["target"]) for mount in _field(order, "mounts")),
        host=_field(order, "host"),
        listener=_field(order, "listener"),
        cgroups=tuple(_field(order, "cgroups")),
        env=dict(_field(order, "env")),
        home=_field(order, "home"),
        etc=tuple(_field(order, "etc")),
        stand_in=order.get("serve"),
    )


def parse_spawn(order: dict[str, Any]) -> Spawn:
    """Read the order for a kernel; raises ValueError for a missing field, and for an id that is no plain name."""
    limits = _field(order, "limits")
    return Spawn(
        id=parse_id(order),
        uid=order.get("uid"),
        groups=tuple(order.get("groups", ())),
        limits=Limits(
            processes=int(_field(limits, "processes")),
            open_files=int(_field(limits, "openFiles")),
            file_bytes=int(_field(limits, "fileBytes")),
            temporary_bytes=int(_field(limits, "temporaryBytes")),
            temporary_files=int(_field(limits, "temporaryFiles")),
            output_bytes=int(_field(limits, "outputBytes")),
            output_files=int(_field(limits, "outputFiles")),
            data_bytes=limits.get("dataBytes"),
        ),
    )


def parse_id(order: dict[str, Any]) -> str:
    """The id of a run: it becomes the name of a folder, so nothing but a plain name will do."""
    name = order.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise ValueError(f"no id of a run: {name!r}")
    return name


def _field(order: dict[str, Any], name: str) -> Any:
    if name not in order:
        raise ValueError(f"the order lacks {name!r}")
    return order[name]
