"""The 15 clips that come with the package: DeepMimic's reference motions, MIT licence, in one archive.

Their files are held unchanged, so that what is read from them is what is read from the originals. They were packed with

    python -m selfloop.domains.motion.data.embedded FOLDER

from the folder ``pybullet_data/data/motions`` of the package pybullet 3.2.7 (zlib licence), which carries DeepMimic's
clips. Whose they are, and on what terms, stands beside the archive.
"""

import io
import lzma
import sys
import tarfile
from pathlib import Path

from selfloop.errors import DataError

ARCHIVE = Path(__file__).parent / "clips" / "deepmimic-15.tar.xz"
NOTICE = "15 clips of DeepMimic, MIT licence"
COUNT = 15


def pack(folder: Path, target: Path = ARCHIVE) -> int:
    """Pack the clips ``humanoid3d_*.txt`` of a folder, the same bytes in whatever year and place; the archive's size.

    Raises:
        DataError: there are not 15 of them.
    """
    files = sorted(folder.glob("humanoid3d_*.txt"))
    if len(files) != COUNT:
        raise DataError(f"{folder} holds {len(files)} files humanoid3d_*.txt; give the folder of the {COUNT} clips")
    with io.BytesIO() as plain:
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for file in files:
                member = tarfile.TarInfo(file.name)  # no owner, no time
                content = file.read_bytes()
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        packed = lzma.compress(plain.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    target.write_bytes(packed)
    return len(packed)


if __name__ == "__main__":
    print(f"{ARCHIVE}: {pack(Path(sys.argv[1]))} bytes")
