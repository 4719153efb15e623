"""Reads what child processes and C code write to descriptors 1 and 2 of a kernel that ipykernel itself captures for.

The stock reader takes a thousand bytes at a time for text by themselves: version 6 stops for good at the first that are none,
also at half a character, and version 7 shows both halves as unknown.
"""

import codecs
import os
import sys
from typing import Any

# A pipe holds no more, so a larger read gains nothing.
READ_BYTES = 65536


def watch(stream: Any) -> None:
    """Stand in for `OutStream._watch_pipe_fd`: pass everything on until the stream is closed."""
    if stream._fid is None:
        return
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        while stream._should_watch and (data := os.read(stream._fid, READ_BYTES)):
            stream.write(decoder.decode(data))
            os.write(stream._original_stdstream_copy, data)
    except Exception:
        stream._exc = sys.exc_info()  # where the stock reader leaves it, for `close` to show
