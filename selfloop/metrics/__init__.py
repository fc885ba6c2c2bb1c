"""Distances and comparisons of samples: pure functions of arrays, for any dtype, under `jit` and `vmap`."""

from selfloop.metrics.coverage import neighbour_radii, prdc
from selfloop.metrics.diversity import mean_pairwise_distance, random_pair_distance
from selfloop.metrics.frechet import Moments, frechet_distance, gaussian_w2, moments, squared_frechet
from selfloop.metrics.mmd import energy_distance2, mmd2
from selfloop.metrics.wasserstein import sliced_wasserstein, wasserstein1, wasserstein2

__all__ = [
    "Moments",
    "energy_distance2",
    "frechet_distance",
    "gaussian_w2",
    "mean_pairwise_distance",
    "mmd2",
    "moments",
    "neighbour_radii",
    "prdc",
    "random_pair_distance",
    "sliced_wasserstein",
    "squared_frechet",
    "wasserstein1",
    "wasserstein2",
]
