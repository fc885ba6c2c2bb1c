"""The self-consuming loop on images: every image experiment of four papers, one preset each.

    python experiments/image_loop.py                       5,000 digits of the extra `images`, 5 arms, 20 generations
    python experiments/image_loop.py --preset smoke        the same in miniature
    python experiments/image_loop.py --preset shumailov    a new VAE every generation (also gillman, gerstgrasser,
                                                           bertrand, gpu)
    python experiments/image_loop.py --data FOLDER         MNIST or Fashion-MNIST as IDX files

The same command on the same --out continues a run that was stopped; more generations, seeds or arms may be asked for.
"""

import sys

from selfloop.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["run", "images", *sys.argv[1:]]))
