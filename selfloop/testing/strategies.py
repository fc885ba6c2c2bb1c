"""Hypothesis strategies: dimensions, strengths, mixtures, points with weights, batches. d dimensions."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selfloop.batch import Batch
from selfloop.testing.mixture import Mixture


class Case(NamedTuple):
    """What a corrector is tried on: samples of ``law``, brought toward ``target`` by the strength gamma."""

    law: Mixture
    target: Mixture
    gamma: float
    seed: int


class Points(NamedTuple):
    """Two laws on the same points [K, d]: weights p and q [K] of sum 1, all above 0."""

    x: np.ndarray
    p: np.ndarray
    q: np.ndarray


def dimensions(most: int = 4) -> st.SearchStrategy[int]:
    """1 to ``most``."""
    return st.integers(1, most)


def gammas(*, inside: bool = False) -> st.SearchStrategy[float]:
    """Strengths 0 to 20, and the ends 0 and infinity; ``inside`` leaves those out (0.05 to 20)."""
    between = st.floats(0.05, 20).map(lambda gamma: round(gamma, 2))
    return between if inside else between | st.sampled_from([0.0, float("inf")])


def _shares(k: int) -> st.SearchStrategy[np.ndarray]:
    return st.lists(st.integers(1, 9), min_size=k, max_size=k).map(lambda parts: np.array(parts) / np.sum(parts))


def _numbers(shape: tuple[int, ...], reach: float) -> st.SearchStrategy[np.ndarray]:
    """Arrays of multiples of 0.1, easy to read in a counterexample."""
    steps = round(10 * reach)
    return hnp.arrays(np.int64, shape, elements=st.integers(-steps, steps)).map(lambda number: number / 10)


@st.composite
def mixtures(draw: st.DrawFn, d: int, most: int = 3) -> Mixture:
    """Mixtures of 1 to ``most`` Gaussians [d]: means within 3 of 0, scales 0.5 to 2 with correlations."""
    k = draw(st.integers(1, most))
    factor = np.tril(draw(_numbers((k, d, d), 1.0)), -1)
    scale = draw(hnp.arrays(np.int64, (k, d), elements=st.integers(5, 20))) / 10
    factor = factor + scale[:, :, None] * np.eye(d)
    return Mixture(draw(_shares(k)), draw(_numbers((k, d), 3.0)), factor @ factor.transpose(0, 2, 1))


@st.composite
def directions(draw: st.DrawFn, d: int) -> np.ndarray:
    """Unit vectors [d]."""
    vector = draw(_numbers((d,), 1.0).filter(lambda vector: np.any(vector != 0)))
    return vector / np.linalg.norm(vector)


@st.composite
def points(draw: st.DrawFn, d: int, most: int = 7) -> Points:
    """Two laws on 2 to ``most`` different points within 5 of 0."""
    k = draw(st.integers(2, most))
    x = draw(_numbers((k, d), 5.0).filter(lambda x: len(np.unique(x, axis=0)) == len(x)))
    return Points(x, draw(_shares(k)), draw(_shares(k)))


@st.composite
def batches(draw: st.DrawFn, d: int, capacity: int = 16) -> Batch:
    """Batches of one capacity (so that nothing recompiles) of samples [d] of weight 0 or 1, one present or more."""
    present = draw(hnp.arrays(bool, capacity).filter(np.any))
    x = jnp.asarray(draw(_numbers((capacity, d), 9.0)), float)
    return Batch(x, jnp.asarray(present, x.dtype))


@st.composite
def cases(draw: st.DrawFn, gamma: st.SearchStrategy[float] | None = None, components: int = 3) -> Case:
    """Mixtures of the same dimension, 1 to 3, a strength, and a seed."""
    d = draw(dimensions(3))
    law, target = draw(mixtures(d, components)), draw(mixtures(d, components))
    return Case(law, target, draw(gammas() if gamma is None else gamma), draw(st.integers(0, 2**31 - 1)))
