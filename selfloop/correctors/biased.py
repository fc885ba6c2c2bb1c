"""Ablation: a corrector that aims at a law of its own."""

from collections.abc import Callable
from typing import Any

from jax import Array
from jax.typing import ArrayLike

from selfloop.correctors.idealized import replacement
from selfloop.protocols import Corrector


def biased(draw_biased: Callable[[Array, int], Any], gamma: ArrayLike) -> Corrector:
    """pi_gamma toward p_c, the law of ``draw_biased(key, N)``, where the best model is p*.

    The loop is as stable as with p* but settles elsewhere: of an exponential family in mean parameters, with lambda
    synthetic points per real one, at

        mu - mu* = lambda (1 - tau) / (1 + lambda (1 - tau)) (mu_c - mu*),    tau = 1 / (1 + gamma),

    which goes to the corrector's own target as lambda and gamma grow. Raises ConfigError for gamma < 0.
    """
    return replacement(draw_biased, gamma)
