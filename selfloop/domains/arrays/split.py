"""Split of the user's real samples: half of them for the loop, half to judge by. Letters: M samples, F numbers each."""

from typing import NamedTuple

import numpy as np

from selfloop.batch import uniform
from selfloop.errors import ConfigError, DataError

FEWEST = 16
"""Samples; each half needs eight, as covariances and third neighbours need 4 and more."""


class Split(NamedTuple):
    """Real samples by their role, each [., ...], and the scale in which they are compared."""

    loop: np.ndarray
    """What n of the loop's training are taken from, in this order: the first n."""
    reference: np.ndarray
    """What generated samples are judged by; no model ever sees them."""
    centre: np.ndarray  # [F], mean of the reference
    scale: np.ndarray  # [F], its standard deviation, 1 where that is 0


def split(real: object) -> Split:
    """The rows in a random order (of seed 0, so that it is always the same): the first half is the loop's.

    Raises:
        DataError: fewer than 16 samples, or some that are not finite numbers.
    """
    if isinstance(real, dict):
        raise DataError("the real samples are a dict; give one array [M, ...]")
    x = np.asarray(uniform(real).x)
    if len(x) < FEWEST:
        raise DataError(f"there are {len(x)} real samples; give {FEWEST} or more, half of which are kept to judge by")
    if bad := int((~np.isfinite(x.reshape(len(x), -1)).all(1)).sum()):
        raise DataError(f"{bad} of {len(x)} real samples are NaN or infinite; remove them")
    order = np.random.default_rng(0).permutation(len(x))
    loop, reference = x[order[: len(x) // 2]], x[order[len(x) // 2 :]]
    rows = rows_of(reference)
    spread = rows.std(0)
    return Split(loop, reference, rows.mean(0), np.where(spread > 0, spread, 1).astype(np.float32))


def rows_of(x: np.ndarray) -> np.ndarray:
    """Samples as float32 rows [N, F]."""
    return np.asarray(x, np.float32).reshape(len(x), -1)


def enough(found: Split, n: int) -> np.ndarray:
    """The first n of the loop's samples; ConfigError where there are fewer."""
    if n > len(found.loop):
        total = len(found.loop) + len(found.reference)
        raise ConfigError(
            f"--n is {n}; of {total} real samples {len(found.loop)} are the loop's (the others are kept to judge by): "
            f"give at most {len(found.loop)}"
        )
    return found.loop[:n]
