"""Put my own scikit-learn generator into the loop: arms, seeds, resume, curves and a report, NumPy in and NumPy out."""

import numpy as np
from sklearn.mixture import GaussianMixture

from selfloop.domains import arrays

real = np.concatenate([np.random.default_rng(k).normal(4 * k, 1, (100, 2)) for k in range(3)])


def fit(seed, samples, previous):
    return GaussianMixture(3, random_state=seed).fit(samples)


def draw(seed, state, n):
    return state.set_params(random_state=seed).sample(n)[0]


def clip(seed, samples):
    return np.clip(samples, real.min(0), real.max(0))


print(arrays.run(real, fit, draw, "runs/mine", correctors={"clipped": clip}, generations=3, seeds=2, evaluate=64))
