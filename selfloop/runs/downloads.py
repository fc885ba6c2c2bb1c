"""Downloads of single files, each against a pinned SHA-256: one that differs is never used."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from selfloop.errors import DataError


def present(path: Path, code: str) -> bool:
    """Whether a file is there and has the hash ``code``, ``sha256:...``."""
    return path.is_file() and f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" == code


def retrieve(base: str, file: str, known: Mapping[str, str], folder: Path) -> None:
    """Download ``base + file`` into a folder; its final name appears only after its hash was found right.

    Args:
        base: the address of the file's folder, with its slash.
        file: its name, there and here.
        known: hashes by name, ``sha256:...``.
        folder: where it goes.

    Raises:
        DataError: it differs from its hash, or cannot be downloaded; the caller adds what to do instead.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.create(folder, base, registry=dict(known), retry_if_failed=1).fetch(file)
    except ValueError:
        raise DataError(f"{base}{file} differs from its pinned SHA-256 and was not kept") from None
    except (requests.RequestException, OSError) as error:
        raise DataError(f"cannot download {base}{file} ({type(error).__name__})") from None
