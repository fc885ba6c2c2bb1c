"""Put my own generator into the loop: NumPy in, NumPy out; arms, seeds, resume, curves and a report."""

import numpy as np

from selfloop.domains import arrays

try:
    from sklearn.mixture import GaussianMixture
except ImportError:  # then one Gaussian, in NumPy
    GaussianMixture = None
real = np.concatenate([np.random.default_rng(k).normal(4 * k, 1, (100, 2)) for k in range(3)])


def fit(seed, samples, previous):
    return (
        GaussianMixture(3, random_state=seed).fit(samples) if GaussianMixture else (samples.mean(0), np.cov(samples.T))
    )


def draw(seed, state, n):
    if GaussianMixture:
        return state.set_params(random_state=seed).sample(n)[0]
    return np.random.default_rng(seed).multivariate_normal(*state, n)


def clip(seed, samples):
    return np.clip(samples, real.min(0), real.max(0))


print(arrays.run(real, fit, draw, "runs/mine", correctors={"clipped": clip}, generations=3, seeds=2, evaluate=64))
