"""Distances and comparisons of samples: pure functions of arrays, for any dtype, under `jit` and `vmap`."""

from selfloop.metrics.coverage import modes_covered, neighbour_radii, prdc
from selfloop.metrics.diversity import (
    Spread,
    mean_pairwise_distance,
    multimodality,
    random_pair_distance,
    spread_by_label,
)
from selfloop.metrics.extrapolation import extrapolated_frechet
from selfloop.metrics.frechet import (
    Moments,
    frechet_distance,
    frechet_parts,
    gaussian_w2,
    moments,
    squared_frechet,
)
from selfloop.metrics.mmd import energy_distance2, kid, mmd2
from selfloop.metrics.wasserstein import sliced_wasserstein, wasserstein1, wasserstein2

__all__ = [
    "Moments",
    "Spread",
    "energy_distance2",
    "extrapolated_frechet",
    "frechet_distance",
    "frechet_parts",
    "gaussian_w2",
    "kid",
    "mean_pairwise_distance",
    "mmd2",
    "modes_covered",
    "moments",
    "multimodality",
    "neighbour_radii",
    "prdc",
    "random_pair_distance",
    "sliced_wasserstein",
    "spread_by_label",
    "squared_frechet",
    "wasserstein1",
    "wasserstein2",
]
