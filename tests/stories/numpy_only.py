"""NumPy's arrays and numbers wherever an array is asked for: type-checked as a user's file is, and run."""

import jax
import numpy as np
from numpy.typing import NDArray

import selfloop

random = np.random.default_rng(0)
x: NDArray[np.float32] = random.normal(size=(64, 2)).astype(np.float32)
half, key = np.float32(0.5), jax.random.key(0)

batch: selfloop.Batch = selfloop.uniform(x, cond=np.arange(64))
assert batch.capacity == 64
lines = selfloop.labelled(x, x @ np.array([1.0, -1.0], np.float32))
weights = np.array([1.0, -1.0], np.float32)
for corrector in (
    selfloop.relabel(weights, half, half),
    selfloop.shrink_labels(weights, np.float64(1)),
    selfloop.failing(selfloop.identity, half),
    selfloop.smoothing(half, np.float32(2)),
):
    corrected, info = corrector(key, lines, selfloop.regression(2, 0.1).init(key))
    moved: jax.Array = info["moved"]
    assert moved.shape == (64,)
    assert corrected.x.dtype == np.float32

distance: jax.Array = selfloop.gaussian_w2(x.mean(0), np.cov(x.T), np.zeros(2), np.eye(2))
assert 0 <= float(distance) < 1
rates: jax.Array = selfloop.stability.rates.exact(np.linspace(0.0, 2.0, 5), half)
assert rates.shape == (5,)
models: list[selfloop.Model] = [
    selfloop.gaussian_mean(np.eye(2)),
    selfloop.mixture_locations(np.ones(2), np.full(2, 0.5), 2),
]
assert len(models) == 2
certificate = selfloop.certify(models[0], x, lam=1.0, gamma=0.5)
assert 0 < certificate.rate.exact < 1
