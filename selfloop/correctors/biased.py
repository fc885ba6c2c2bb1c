"""Ablation: a corrector that aims at a law of its own."""

from collections.abc import Callable
from typing import Any

from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.idealized import replacement


def biased(
    draw_biased: Callable[[Array, int], Any], gamma: Array | float
) -> Callable[[Array, Batch, Any], tuple[Batch, dict[str, Array]]]:
    """pi_gamma toward p_c, the law of ``draw_biased(key, N)``, where the best model is p*.

    The loop is as stable as with p* but settles elsewhere: of an exponential family in mean parameters, with lambda
    synthetic points per real one, at

        mu - mu* = lambda gamma / (1 + gamma + lambda gamma) (mu_c - mu*),

    which goes to the corrector's own target as lambda and gamma grow. Raises ConfigError for gamma < 0.
    """
    return replacement(draw_biased, gamma)
