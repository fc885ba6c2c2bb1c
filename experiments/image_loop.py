"""The self-consuming loop on images: every image experiment of four papers, one preset each.

    python experiments/image_loop.py                       5,000 digits of the extra `images`, 5 arms, 20 generations
    python experiments/image_loop.py --preset smoke        the same in miniature
    python experiments/image_loop.py --preset shumailov    a new VAE every generation (also gillman, gerstgrasser,
                                                           bertrand, gpu)
    python experiments/image_loop.py --data FOLDER         MNIST or Fashion-MNIST as IDX files

The same command on the same --out continues a run that was stopped; more generations, seeds or arms may be asked for.
"""

import sys

from command import experiment


def load() -> tuple:
    """The domain, its presets and which of them is the default."""
    from selfloop.domains.images.domain import IMAGES
    from selfloop.domains.images.settings import PRESETS

    return IMAGES, PRESETS, "default"


if __name__ == "__main__":
    sys.exit(experiment(load, __doc__))
