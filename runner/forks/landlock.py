"""Landlock: what a process may still reach of the file system once it has shut itself in, without any right to do so.

Numbers and bits are those of the kernel's include/uapi/linux/landlock.h. Each version of the interface can restrict
more; what this kernel doesn't know yet is left out.
"""

from __future__ import annotations

import ctypes
import os
import struct

from . import syscalls as linux

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
# By version: 13 rights over files first, then renaming across folders, truncating, and controlling devices.
_HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_BIND_AND_CONNECT_TCP = 3  # version 4
_ABSTRACT_SOCKETS_AND_SIGNALS = 3  # version 6

READ = _EXECUTE | _READ_FILE | _READ_DIR
WRITE = (1 << 16) - 1
DEVICE = _READ_FILE | _WRITE_FILE | _IOCTL_DEV | _READ_DIR


def version() -> int:
    """Which interface this kernel has; raises OSError where it has none."""
    return linux.call(_CREATE, "Landlock", None, ctypes.c_size_t(0), ctypes.c_uint(_ASK_VERSION))


def make_rules(allowed: list[tuple[str, int]]) -> int:
    """A set of rules, as a descriptor for `restrict`: paths with READ, WRITE or DEVICE for all below, and nothing else.

    Paths that don't exist are left out. Also refused, as far as the kernel can: TCP, and signals and abstract sockets
    to whoever is not shut in together with this process.
    """
    known = version()
    files = _HANDLED[max(number for number in _HANDLED if number <= known)]
    parts = [
        files,
        *([_BIND_AND_CONNECT_TCP] if known >= 4 else []),
        *([_ABSTRACT_SOCKETS_AND_SIGNALS] if known >= 6 else []),
    ]
    attributes = struct.pack(f"={len(parts)}Q", *parts)
    rules = linux.call(_CREATE, "Landlock rules", attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    for path, rights in allowed:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            wanted = rights & files & (~0 if os.path.isdir(path) else _OF_FILES)
            rule = struct.pack("=Qi", wanted, descriptor)
            what = f"Landlock rule for {path}"
            linux.call(_ADD_RULE, what, ctypes.c_int(rules), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint(0))
        finally:
            os.close(descriptor)
    return rules


def restrict(rules: int) -> None:
    """Shut this process and all its children in, for good; needs PR_SET_NO_NEW_PRIVS."""
    linux.call(_RESTRICT, "Landlock", ctypes.c_int(rules), ctypes.c_uint(0))
