"""Tells about the interpreter that runs it, as JSON: where it really lives, what it lacks, where pip can be found."""

import glob
import importlib.util
import json
import os
import sys
import sysconfig

NEEDED = ["ctypes", "ssl", "venv", "zlib"]


def main() -> None:
    """Prints one line of JSON; the fields are read by setup/image/python.mjs and pip.mjs."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    real = os.path.realpath(base)
    prefixes = {sys.base_prefix, sys.base_exec_prefix, os.path.realpath(sys.base_prefix)}
    if not any(real.startswith(prefix + os.sep) for prefix in prefixes):
        prefixes.add(os.path.dirname(os.path.dirname(real)))
    stdlib = sysconfig.get_path("stdlib")
    wheels = glob.glob(os.path.join(stdlib, "ensurepip", "_bundled", "pip-*.whl"))
    wheels += glob.glob("/usr/share/python-wheels/pip-*.whl")
    print(
        json.dumps(
            {
                "python": real,
                "version": "%d.%d.%d" % sys.version_info[:3],
                "prefixes": sorted(prefixes),
                "missing": [name for name in NEEDED if importlib.util.find_spec(name) is None],
                "isFreeThreaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
                "wheels": sorted(wheels),
            }
        )
    )


main()
