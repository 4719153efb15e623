"""The root that every run of a fork server starts from: made once, read-only, and nothing in it but what runs may see.

Besides the system and the image it holds three folders that a run takes away from itself before any code of a notebook
runs: `.host` (the folders of all runs), `.out` (their OUTPUT_DIRs) and `.own` (what is shown below /tmp or the home
folder).
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from . import syscalls as linux
from .order import Limits, Opening, Spawn

HOST = "/.host"
OUT = "/.out"
OWN = "/.own"
OURS = f"{OWN}/runner"  # for the fork server's own imports
_OLD = "/.old"

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {
    "/dev/ptmx": "pts/ptmx",
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
    "/var/tmp": "/tmp",
    "/etc/localtime": "/usr/share/zoneinfo/UTC",
}
_ETC = {
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_PLAIN = linux.MS_NOSUID | linux.MS_NODEV
_SMALL = 64 * 1024**2


@dataclass(frozen=True)
class Room:
    """What is left to know once the root is made."""

    home: str
    own: tuple[tuple[str, str], ...]  # where it is kept, where a run sees it
    fixed_uid: int | None  # an ordinary user's runs have its identity, root's have one each


def build(opening: Opening, ours: str) -> Room:
    """Make the root and enter it, in a mount namespace of this process's own; raises OSError where that is forbidden.

    `ours` is the folder of this program, shown at OURS.
    """
    euid = os.geteuid()
    fixed_uid = None if euid == 0 else euid
    mounts = sorted(((os.path.realpath(source), target) for source, target in opening.mounts), key=_depth)
    etc = {name: os.path.realpath(f"/etc/{name}") for name in opening.etc if os.path.exists(f"/etc/{name}")}
    host, ours = os.path.realpath(opening.host), os.path.realpath(ours)

    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    # Any folder that exists would do: what the new root covers is seen again once it has moved away.
    linux.mount("tmpfs", host, "tmpfs", _PLAIN, "mode=755,size=4m")
    os.chdir(host)
    os.mkdir("." + _OLD, 0o700)
    linux.pivot_root(".", "." + _OLD)
    os.chdir("/")

    _system(opening)
    _devices()
    _etc(etc, fixed_uid, opening.home)
    for folder in (HOST, OUT, OWN, "/in", "/out", "/proc", "/tmp", opening.home):
        os.makedirs(folder, exist_ok=True)
    linux.mount("tmpfs", OWN, "tmpfs", _PLAIN, "mode=755,size=1m")
    own = _image(mounts, opening.home)
    _show(_OLD + ours, OURS)
    linux.bind_read_only(_OLD + host, HOST)
    # An ordinary user may only mount this while another complete one is still in sight.
    linux.mount("proc", "/proc", "proc", _PLAIN | linux.MS_NOEXEC)
    linux.unmount(_OLD)
    os.rmdir(_OLD)
    linux.mount("tmpfs", OUT, "tmpfs", _PLAIN | linux.MS_NOEXEC, "mode=700,size=1m")
    room = Room(opening.home, own, fixed_uid)
    # The libraries that are imported now find the places a run will find.
    temporary_places(room, os.geteuid(), _SMALL, 10_000)
    linux.mount("none", "/", None, linux.MS_REMOUNT | linux.MS_RDONLY | _PLAIN)
    return room


def make_out(spawn: Spawn, uid: int) -> None:
    """Mount the OUTPUT_DIR of one run, where the service finds it also when the run has ended.

    Here no link in it is ever followed; the run itself gets it at a second place where links work.
    """
    folder = f"{OUT}/{spawn.id}"
    os.mkdir(folder, 0o700)
    limits = spawn.limits
    try:
        options = _sized("700", uid, limits.output_bytes, limits.output_files)
        linux.mount("tmpfs", folder, "tmpfs", _PLAIN | linux.MS_NOSYMFOLLOW, options)
    except OSError:
        os.rmdir(folder)
        raise


def drop_out(name: str) -> None:
    """Take the OUTPUT_DIR of one run away; what the service still has open of it lives until it is closed."""
    linux.unmount(f"{OUT}/{name}")
    os.rmdir(f"{OUT}/{name}")


def furnish(room: Room, spawn: Spawn, uid: int) -> None:
    """Turn the mount namespace of this process, a copy of the room's, into that of one run."""
    limits: Limits = spawn.limits
    temporary_places(room, uid, limits.temporary_bytes, limits.temporary_files)
    linux.mount("devpts", "/dev/pts", "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    linux.mount(f"{HOST}/{spawn.id}/in", "/in", None, linux.MS_BIND)  # read-only, as all below .host
    linux.mount(f"{OUT}/{spawn.id}", "/out", None, linux.MS_BIND)
    linux.mount("none", "/out", None, linux.MS_REMOUNT | linux.MS_BIND | _PLAIN)
    linux.mount("proc", "/proc", "proc", _PLAIN | linux.MS_NOEXEC)
    if room.fixed_uid is None:
        for name, text in _accounts(uid, room.home).items():
            _show_text(text, f"{room.home}/.{name}", f"/etc/{name}")
    for folder in (HOST, OUT, OWN):
        linux.unmount(folder)


def temporary_places(room: Room, uid: int, size_bytes: int, files: int) -> None:
    """Mount /tmp, /dev/shm and the home folder, each with a size and a number of files, and what belongs below."""
    for place in ("/tmp", "/dev/shm"):
        linux.mount("tmpfs", place, "tmpfs", _PLAIN, _sized("1777", uid, size_bytes, files))
    linux.mount("tmpfs", room.home, "tmpfs", _PLAIN, _sized("700", uid, size_bytes, files))
    os.mkdir(f"{room.home}/work")
    os.chown(f"{room.home}/work", uid, uid if room.fixed_uid is None else -1)
    for kept, target in room.own:
        _make_target(kept, target, uid if target.startswith(room.home) else None)
        linux.mount(kept, target, None, linux.MS_BIND | linux.MS_REC)


def _system(opening: Opening) -> None:
    _show(f"{_OLD}/usr", "/usr")
    for path, target in opening.root_links:
        if target is None:
            _show(_OLD + path, path)
        else:
            os.symlink(target, path)


def _devices() -> None:
    for folder in ("/dev", "/dev/shm", "/dev/pts", "/var"):
        os.mkdir(folder)
    for name in _DEVICES:
        if os.path.exists(f"{_OLD}/dev/{name}"):
            _touch(f"/dev/{name}")
            linux.mount(f"{_OLD}/dev/{name}", f"/dev/{name}", None, linux.MS_BIND)


def _etc(shown: dict[str, str], fixed_uid: int | None, home: str) -> None:
    os.mkdir("/etc")
    for path, target in _LINKS.items():
        os.symlink(target, path)
    for name, text in {**_ETC, **_accounts(fixed_uid or 0, home)}.items():
        with open(f"/etc/{name}", "w") as file:
            file.write(text)
    for name, source in shown.items():
        _show(_OLD + source, f"/etc/{name}")


def _accounts(uid: int, home: str) -> dict[str, str]:
    return {
        "passwd": f"root:x:0:0:root:/:/usr/sbin/nologin\nnotebook:x:{uid}:{uid}:notebook:{home}:/bin/sh\n",
        "group": f"root:x:0:\nnotebook:x:{uid}:\n",
    }


def _image(mounts: list[tuple[str, str]], home: str) -> tuple[tuple[str, str], ...]:
    """Show what the image consists of; what belongs below a place of the run's own is kept aside for it."""
    own = []
    for number, (source, target) in enumerate(mounts):
        if target.startswith((home + "/", "/tmp/", "/dev/shm/")):
            kept = f"{OWN}/{number}"
            _show(_OLD + source, kept)
            own.append((kept, target))
        else:
            _show(_OLD + source, target)
    return tuple(own)


def _show(source: str, target: str) -> None:
    _make_target(source, target, None)
    linux.bind_read_only(source, target)


def _show_text(text: str, path: str, target: str) -> None:
    """A file with this text at `target`, read-only; nothing is left at `path`, where it is written first."""
    with open(path, "w") as file:
        file.write(text)
    linux.mount(path, target, None, linux.MS_BIND)
    linux.mount("none", target, None, linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | _PLAIN)
    os.unlink(path)


def _make_target(source: str, target: str, owner: int | None) -> None:
    """The file or folder to mount on, and the folders above it, which belong to the run where its home is."""
    folder = target if os.path.isdir(source) else os.path.dirname(target)
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        os.mkdir(path, 0o755)
        if owner is not None:
            os.chown(path, owner, -1)
    if not os.path.isdir(source):
        _touch(target)


def _touch(path: str) -> None:
    if not os.path.exists(path):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644))


def _sized(mode: str, uid: int, size_bytes: int, files: int) -> str:
    # The folder itself is the first of its files.
    return f"mode={mode},uid={uid},size={size_bytes},nr_inodes={files + 1}"


def _depth(mount: tuple[str, str]) -> int:
    return mount[1].count("/")
