"""Downloads of the sets that may be downloaded, file by file from their authors' repositories, each against a pinned
SHA-256: a file that differs is never used.

The hashes were computed from copies of DeepMimic at commit 1f915c5 and of Bandai-Namco-Research-Motiondataset at
commit 74ead3b, the addresses follow those repositories' layout. They were not tried over the internet when this was
written, so every set has a second address (another commit, where the files are known to lie in that folder); the
first that answers is taken.
"""

import base64
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from selfloop.errors import DataError
from selfloop.extras import need
from selfloop.runs.downloads import present, retrieve
from selfloop.runs.environment import cache_folder

_DEEPMIMIC = "https://raw.githubusercontent.com/xbpeng/DeepMimic"
_BANDAI = "https://raw.githubusercontent.com/BandaiNamcoResearchInc/Bandai-Namco-Research-Motiondataset"


class Source(NamedTuple):
    """Where a set comes from and on what terms."""

    bases: tuple[str, ...]
    """Folders that hold its files, tried in this order."""
    notice: str


_BANDAI_SOURCE = Source(
    (
        f"{_BANDAI}/74ead3ba1ae4696404e6086233779f60de8bf9ef/dataset/Bandai-Namco-Research-Motiondataset-2/data/",
        f"{_BANDAI}/60c0ef1971398d0e62c036b7ebafa536b1152efe/dataset/Bandai-Namco-Research-Motiondataset-2/data/data/",
    ),
    "Bandai-Namco-Research-Motiondataset, (c) 2022 Bandai Namco Research Inc., licensed CC BY-NC 4.0 "
    "(https://creativecommons.org/licenses/by-nc/4.0/): non-commercial use only, with attribution; the same holds for "
    "what is adapted from it. Cite Kobayashi et al., arXiv:2306.08861. "
    "Source: https://github.com/BandaiNamcoResearchInc/Bandai-Namco-Research-Motiondataset",
)
SOURCES = {
    "deepmimic": Source(
        (
            f"{_DEEPMIMIC}/1f915c52fcd4b95b5f5f15b759ae91bd81e9a801/data/motions/",
            f"{_DEEPMIMIC}/60ebe88b27634ab697d5d3b4d80f2bfd7cd9b23a/data/motions/",
        ),
        "DeepMimic motion clips, (c) 2018 Xue Bin Peng, MIT licence. Cite Peng et al., ACM TOG 37(4), 2018. "
        "Source: https://github.com/xbpeng/DeepMimic",
    ),
    "bandai-namco-256": _BANDAI_SOURCE,
    "bandai-namco": _BANDAI_SOURCE,
}


def registry(name: str) -> dict[str, str]:
    """The files of a set, relative to its base, and their pinned hashes as ``sha256:HEX``."""
    folder = files("selfloop.domains.motion.data") / "registry"
    if name == "deepmimic":
        lines = (folder / "deepmimic.txt").read_text().splitlines()[1:]
        return {file: _hash(code) for file, code in map(str.split, lines)}
    known, kind = {}, ""
    for line in (folder / "bandai-namco.txt").read_text().splitlines()[1:]:
        number, _, code = line.partition(" ")
        if not code:
            kind = line
        elif name == "bandai-namco" or number.endswith("*"):
            known[f"dataset-2_{kind}_{number.rstrip('*')}.bvh"] = _hash(code)
    return known


def _hash(code: str) -> str:
    return "sha256:" + base64.urlsafe_b64decode(code + "=").hex()


def fetch(name: str, bases: Iterable[str] | None = None, cache: Path | None = None) -> Path:
    """The folder of a set, downloaded into the user's cache folder as far as it is not there already.

    Prints the licence and attribution before the first byte. Interrupted, it continues where it was.

    Args:
        name: one of `SOURCES`.
        bases: other addresses of the files' folder.
        cache: another folder than the user's cache.

    Raises:
        DataError: if the set is unknown, no address answers, or a file differs from its pinned hash.
    """
    if name not in SOURCES:
        raise DataError(f"no set is called {name!r}; known are {', '.join(SOURCES)}")
    known = registry(name)
    folder = (cache or cache_folder()) / "data" / name
    missing = [file for file in known if not present(folder / file, known[file])]
    if missing:
        need("motion", f"the download of {name}")
        print(f"Downloading {len(missing)} files of {name} to {folder}\n{SOURCES[name].notice}", flush=True)
        base = _first(bases or SOURCES[name].bases, missing[0], known, folder)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda file: _retrieve(base, file, known, folder), missing[1:]))
    return folder


def _first(bases: Iterable[str], file: str, known: dict[str, str], folder: Path) -> str:
    """The first base that yields the file."""
    failure = DataError(f"no address is known for {file}")
    for base in bases:
        try:
            _retrieve(base, file, known, folder)
        except DataError as error:
            failure = error
        else:
            return base
    raise failure


def _retrieve(base: str, file: str, known: dict[str, str], folder: Path) -> None:
    try:
        retrieve(base, file, known, folder)
    except DataError as error:
        raise DataError(f"{error}; check the network, or fetch the set by hand and give --data PATH") from None
