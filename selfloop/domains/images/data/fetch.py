"""Downloads of MNIST and Fashion-MNIST, each file against a pinned SHA-256: one that differs is never used.

The hashes are those that several libraries pin; the addresses were not tried over the internet when this was written,
so every set has a second one.
"""

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from selfloop.errors import DataError
from selfloop.extras import need
from selfloop.runs.downloads import present, retrieve
from selfloop.runs.environment import cache_folder


class Source(NamedTuple):
    """Where a set comes from and on what terms."""

    bases: tuple[str, ...]
    """Folders that hold its files, tried in this order."""
    hashes: tuple[str, str, str, str]
    """SHA-256 of the files in the order of `FILES`."""
    notice: str


FILES = tuple(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
SOURCES = {
    "mnist": Source(
        ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
        (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        "MNIST, (c) Yann LeCun and Corinna Cortes, CC BY-SA 3.0. Cite LeCun et al., Proc. IEEE 86(11), 1998.",
    ),
    "fashion-mnist": Source(
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
        "Fashion-MNIST, (c) 2017 Zalando SE, MIT licence. Cite Xiao et al., arXiv:1708.07747.",
    ),
}


def fetch(name: str, bases: Iterable[str] | None = None, cache: Path | None = None) -> Path:
    """The folder of a set, downloaded into the user's cache folder as far as it is not there already.

    Args:
        name: one of `SOURCES`.
        bases: other addresses of the files' folder.
        cache: another folder than the user's cache.

    Raises:
        DataError: if no address answers, or a file differs from its pinned hash.
        ConfigError: if pooch is missing, with what to install.
    """
    source, folder = SOURCES[name], (cache or cache_folder()) / "data" / name
    known = {file: f"sha256:{code}" for file, code in zip(FILES, source.hashes, strict=True)}
    missing = [file for file, code in known.items() if not present(folder / file, code)]
    if missing:
        if importlib.util.find_spec("pooch") is None:
            need("images", f"the download of {name}")
        print(f"Downloading {len(missing)} files of {name} to {folder}\n{source.notice}", flush=True)
    for file in missing:
        _from_any(tuple(bases or source.bases), file, known, folder)
    return folder


def _from_any(bases: tuple[str, ...], file: str, known: dict[str, str], folder: Path) -> None:
    """Download a file from the first address that has it."""
    failures = []
    for base in bases:
        try:
            return retrieve(base, file, known, folder)
        except DataError as error:
            failures.append(str(error))
    raise DataError(f"{'; '.join(failures)}: check the network, or give a folder of IDX files with --data PATH")
