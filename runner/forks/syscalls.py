"""System calls that Python's standard library has no name for, as functions that raise OSError with what was tried.

Nothing here decides anything. Numbers are from the kernel's syscall_64.tbl (x86-64) and asm-generic/unistd.h (arm64).
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_NOSYMFOLLOW = 256
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

_MNT_DETACH = 2
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY_NOSUID_NODEV = 1 | 2 | 4
_AT_FDCWD = -100

# From 424 on a call has one number everywhere; only older ones differ.
_NUMBERS = {
    "x86_64": {"pivot_root": 155, "capset": 126, "mount_setattr": 442},
    "aarch64": {"pivot_root": 41, "capset": 91, "mount_setattr": 442},
}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def call(number: int, what: str, *arguments: object) -> int:
    """Make the call with that number; `what` names it in the OSError that is raised when it fails."""
    result: int = _libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        _fail(what)
    return result


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """mount(2); `kind` is the type of file system, none for binds and changes of flags."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode() if options else None,
    )
    if result:
        _fail(f"mount {kind or source} on {target}")


def unmount(target: str) -> None:
    """Take a mount and all below it out of this namespace, now, whoever still uses it."""
    if _libc.umount2(os.fsencode(target), _MNT_DETACH):
        _fail(f"unmount {target}")


def bind_read_only(source: str, target: str) -> None:
    """Show a file or a folder with all that is mounted in it at a second place: read-only, no devices, no setuid.

    mount_setattr(2) is Linux 5.12. Before it each mount below would have to be found and changed by itself; there the
    call fails and kernels start cold instead.
    """
    mount(source, target, None, MS_BIND | MS_REC)
    attributes = struct.pack("=QQQQ", _MOUNT_ATTR_RDONLY_NOSUID_NODEV, 0, 0, 0)
    call(
        _number("mount_setattr"),
        f"make {target} read-only",
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(_AT_RECURSIVE),
        attributes,
        ctypes.c_size_t(len(attributes)),
    )


def pivot_root(new: str, old: str) -> None:
    """Make `new`, a mount, this namespace's root; the present one appears at `old`, a folder in it."""
    call(_number("pivot_root"), "pivot_root", os.fsencode(new), os.fsencode(old))


def unshare(flags: int) -> None:
    """Leave the namespaces named by CLONE_NEW* flags for new ones; for CLONE_NEWPID that counts for children."""
    if _libc.unshare(ctypes.c_int(flags)):
        _fail(f"new namespaces ({flags:#x})")


def setns(descriptor: int, kind: int) -> None:
    """Enter the namespace behind a descriptor; for CLONE_NEWPID that counts for children."""
    if _libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)):
        _fail("return to the namespace")


def prctl(option: int, argument: object = 0, second: object = 0) -> None:
    """prctl(2) with at most two arguments; the others are 0, as its newer options demand."""
    values = (_word(argument), _word(second), _word(0), _word(0))
    if _libc.prctl(ctypes.c_int(option), *values):
        _fail(f"prctl {option}")


def install_filter(program: bytes) -> None:
    """Refuse system calls from now on and in all children, by a classic BPF program (struct sock_filter[])."""
    code = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(code)))
    prctl(PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(header))


def drop_bounding_set() -> None:
    """Make sure that no program started later can gain a capability; needs CAP_SETPCAP itself."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # past the last one this kernel knows, or not ours to drop: an ordinary user has none to gain
            break


def drop_capabilities() -> None:
    """Give up every capability this process has: ambient, inheritable, permitted, effective."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    call(_number("capset"), "drop capabilities", header, bytes(24))


def _number(name: str) -> int:
    try:
        return _NUMBERS[platform.machine()][name]
    except KeyError:
        raise OSError(f"no system call numbers are known for {platform.machine()}") from None


def _word(value: object) -> ctypes.c_ulong:
    return value if isinstance(value, ctypes.c_ulong) else ctypes.c_ulong(value)  # type: ignore[arg-type]


def _fail(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")
