"""The self-consuming loop on conformers of a molecule, where physics knows the true law.

    python experiments/molecule_loop.py                           alanine dipeptide at 600 K, 5 arms, 8 generations
    python experiments/molecule_loop.py --preset smoke            the same in miniature
    python experiments/molecule_loop.py --data FILE.sdf --n 500   conformers of your own molecule (extra `molecules`)

The same command on the same --out continues a run that was stopped; more generations, seeds or arms may be asked for.
"""

import sys

from selfloop.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["run", "molecules", *sys.argv[1:]]))
