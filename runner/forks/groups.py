"""Control groups by descriptor, so that no mount of them is needed where the runs are."""

from __future__ import annotations

import os


class Groups:
    """The folders below which the service makes a group for each run; opened before the root is changed."""

    def __init__(self, places: tuple[str, ...]) -> None:
        self._places = {place: os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for place in places}

    def join(self, groups: tuple[str, ...]) -> None:
        """Put this process, and so all it starts, into each of these groups; raises OSError or ValueError."""
        for group in groups:
            place, _, name = group.rpartition("/")
            if place not in self._places:
                raise ValueError(f"{group} is below none of the folders this fork server knows")
            descriptor = os.open(f"{name}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC, dir_fd=self._places[place])
            try:
                os.write(descriptor, b"0")  # whoever writes
            finally:
                os.close(descriptor)
