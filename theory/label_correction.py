"""Labels pulled to the truth bound the error of regression under replacement, with any strength."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.correctors.labels import relabel
from selfloop.models.regression import labelled, regression
from selfloop.protocols import Loop
from selfloop.stability.regression import one_fit, regression_replace, regression_replace_given
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_most, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import half_width
from theory.shared.regressions import GAMMA, GENERATIONS, NOISE, ROWS, TRUTH, D, errors, replaced

DESIGN = np.random.default_rng(0).normal(size=(ROWS, D))


def given(key: jax.Array, gamma: jax.Array) -> Loop:
    """One design for all chains; each label by the model (probability tau) or by the truth."""
    design = jnp.asarray(DESIGN)
    real = labelled(design, design @ TRUTH + NOISE * jax.random.normal(key, (ROWS,), jnp.float64))
    model, corrector = regression(D, NOISE, jnp.float64), relabel(TRUTH, NOISE, gamma)
    return Loop(model, policies.replace(), sources.fixed(real), ROWS, corrector)


@cache
def measured(seeds: int) -> np.ndarray:
    """Squared errors [gammas, S, T + 1] of labels mixed with the truth's, on one design."""
    return errors(given, GAMMA[1:], seeds)


def check(effort: Effort) -> Finding:
    """Labels shrunk to the truth's, averaged over designs; labels mixed with the truth's, on one design."""
    shrunk, mixed = replaced(20 * effort.seeds)[1:], measured(20 * effort.seeds)
    unit, t, gammas = float(one_fit(D, ROWS, NOISE)), np.arange(GENERATIONS + 1), GAMMA[1:]
    theory = [np.asarray(regression_replace(D, ROWS, NOISE, GENERATIONS, gamma)) for gamma in gammas]
    coins = [np.asarray(regression_replace_given(jnp.asarray(DESIGN), NOISE, gamma, GENERATIONS)) for gamma in gammas]
    return Finding(
        hypotheses={
            "the design of the mixed labels has full rank": bool(np.linalg.matrix_rank(DESIGN) == D),
        },
        comparisons=[
            *(
                mean(f"{kind} labels, gamma {gamma:g}: late error (t = 5 to 10)", s[5:].mean(), one[:, 5:].mean(1))
                for kind, paths, measured in (("shrunk", theory, shrunk), ("mixed", coins, mixed))
                for gamma, s, one in zip(gammas, paths, measured, strict=True)
            ),
            *(
                mean(f"mixed labels, gamma {gamma:g}, t = 1", s[1], one[:, 1])
                for gamma, s, one in zip(gammas, coins, mixed, strict=True)
            ),
            *(
                at_most(
                    f"shrunk labels, gamma {gamma:g}, t = 10, beside one fit's over 1 - tau^2",
                    unit / (1 - (1 + gamma) ** -2),
                    s[-1],
                )._replace(identity=True)
                for s, gamma in zip(theory, gammas, strict=True)
            ),
        ],
        control=Control(
            "the coin's variance left out: labels mixed at random taken for shrunk ones",
            mean("mixed labels, gamma 1, t = 1", _without_coin(1.0), mixed[1][:, 1]),
        ),
        figure=lines(
            [
                *(
                    Line(f"shrunk, gamma {gamma:g}", t, s, one.mean(0), half_width(one))
                    for gamma, s, one in zip(gammas, theory, shrunk, strict=True)
                ),
                *(
                    Line(f"mixed, gamma {gamma:g}", t, s, one.mean(0), half_width(one))
                    for gamma, s, one in zip(gammas, coins, mixed, strict=True)
                ),
            ],
            "generation",
            "test error E |w - w*|^2",
        ),
        definitions=["rows N >= d + 2"],
    )


def _without_coin(gamma: float, generations: int = 1) -> np.ndarray:
    """The error on this design were labels shrunk: sigma^2 tr (X^T X)^-1 sum tau^(2 i), at the last generation."""
    tau = 1 / (1 + gamma)
    return NOISE**2 * np.trace(np.linalg.inv(DESIGN.T @ DESIGN)) * sum(tau ** (2 * i) for i in range(generations + 1))


CLAIM = Claim(
    name="label_correction",
    source="derived here (docs/stability.md), for the regression of Gerstgrasser et al. 2024 (arXiv 2404.01413)",
    statement="Labels by (w_t + gamma w*) / (1 + gamma): the error under replacement is one fit's times "
    "(1 - tau^(2 t + 2)) / (1 - tau^2), bounded for every gamma > 0; where each label is by w_t or w* at random, a "
    "recursion in the design adds the coin's variance tau (1 - tau) (x^T e)^2.",
    check=check,
    slips=(
        Slip(
            "the coin left out",
            regression_replace_given,
            lambda right, design, sigma, gamma, t: np.array([_without_coin(gamma, i) for i in range(t + 1)]),
        ),
        Slip(
            "tau for tau²",
            regression_replace,
            lambda right, d, n, s, t, gamma: right(d, n, s, t, (1 + gamma) ** 0.5 - 1),
        ),
        Slip("t for t + 1", regression_replace_given, early),
        Slip("N - d for N - d - 1", one_fit, lambda right, d, n, sigma: sigma**2 * d / (n - d)),
        Slip("a factor 2", regression_replace_given, scaled(2.0)),
    ),
)
