"""Named members of a folder, a ``.zip`` or a ``.tar.xz``, read one after the other in memory; nothing is unpacked.

What comes from an archive is not trusted: names that lead outside, links, and members that grow beyond the limits
while they are decompressed are refused. Sizes that the archive itself states are not believed. A folder, or a file, is
the user's own: no limit applies to it.
"""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from selfloop.errors import DataError

MAX_MEMBERS = 50_000
MAX_MEMBER_BYTES = 64 * 2**20
MAX_TOTAL_BYTES = 2**30
_INSTEAD = "split the archive, or unpack it and give the folder"

_BROKEN = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, NotImplementedError,
           RuntimeError)  # fmt: skip


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Pairs (name, content) of the wanted files of a folder, zip or tar (a single file is its own only member).

    Args:
        path: what to read.
        wanted: which names to read; the others are checked but not decompressed.

    Raises:
        DataError: if the path is none of these or cannot be read, a name leads outside of the archive, a member is a
            link, the archive is truncated or damaged, or a limit of members or bytes is passed.
    """
    own = path.is_dir() or not (_ends(path, ".zip") or _ends(path, ".tar.xz"))
    source = _folder if path.is_dir() else _zip if _ends(path, ".zip") else _tar if _ends(path, ".tar.xz") else _single
    if not path.exists():
        raise DataError(f"{path} does not exist; give a folder, a .zip, a .tar.xz or a motion file")
    total = count = 0
    try:
        for name, open_member in source(path):
            count += 1
            if count > MAX_MEMBERS and not own:
                raise DataError(f"{path}: more than {MAX_MEMBERS} members; {_INSTEAD}")
            if not wanted(name):
                continue
            content = _read(path, name, open_member, None if own else MAX_MEMBER_BYTES)
            total += len(content)
            if total > MAX_TOTAL_BYTES and not own:
                raise DataError(f"{path}: {name} takes the content over {MAX_TOTAL_BYTES >> 20} MiB; {_INSTEAD}")
            yield name, content
    except _BROKEN as error:
        raise DataError(f"{path}: cannot be read ({error}); is it complete?") from None


def _ends(path: Path, ending: str) -> bool:
    return path.name.lower().endswith(ending)


def _read(path: Path, name: str, open_member: Callable[[], IO[bytes]], most: int | None) -> bytes:
    """One member's bytes, at most the limit; the error names the member."""
    try:
        with open_member() as file:
            content = file.read() if most is None else file.read(most + 1)
    except _BROKEN as error:
        raise DataError(f"{path}: {name} cannot be read ({error}); is the file complete?") from None
    if most is not None and len(content) > most:
        raise DataError(f"{path}: {name} unpacks to more than {most >> 20} MiB, which no motion clip needs")
    return content


def _safe(path: Path, name: str) -> str:
    """The name of a member, if it stays inside."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in name.split("/")[0]:
        raise DataError(f"{path}: member {name!r} leads outside of the archive; it is not safe to read")
    return str(parts)


def _folder(path: Path) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield file.relative_to(path).as_posix(), lambda file=file: file.open("rb")


def _single(path: Path) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    yield path.name, lambda: path.open("rb")


def _zip(path: Path) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = _safe(path, info.filename)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise DataError(f"{path}: member {name} is a link; archives may hold plain files only")
            if not info.is_dir():
                yield name, lambda info=info: archive.open(info)


def _tar(path: Path) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    with lzma.open(path) as stream:
        limited = _Limited(path, stream)
        with tarfile.open(fileobj=limited, mode="r|") as archive:
            for info in archive:
                name = _safe(path, info.name)
                if not (info.isfile() or info.isdir()):
                    raise DataError(f"{path}: member {name} is a link or a device; archives may hold plain files only")
                if info.isfile():
                    yield name, lambda info=info: archive.extractfile(info)
        # The checksum comes last: what was cut off or damaged shows when all is read.
        while limited.read(1 << 20):
            pass


class _Limited:
    """A stream that counts what it yields, since a tar must be decompressed even where it is skipped."""

    def __init__(self, path: Path, stream: IO[bytes]):
        self.path, self.stream, self.count = path, stream, 0

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.count += len(data)
        if self.count > MAX_TOTAL_BYTES:
            raise DataError(f"{self.path}: unpacks to more than {MAX_TOTAL_BYTES >> 20} MiB; {_INSTEAD}")
        return data
