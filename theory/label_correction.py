"""Labels pulled to the truth bound the error of regression under replacement, with any strength."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.correctors.labels import relabel
from selfloop.models.regression import labelled, regression
from selfloop.protocols import Loop
from selfloop.stability.regression import one_fit, regression_replace, regression_replace_given
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.regressions import GAMMA, GENERATIONS, NOISE, ROWS, TRUTH, D, errors, replaced

DESIGN = np.random.default_rng(0).normal(size=(ROWS, D))


def given(key: jax.Array, gamma: jax.Array) -> Loop:
    """One design for all chains; each label by the model (probability tau) or by the truth."""
    design = jnp.asarray(DESIGN)
    real = labelled(design, design @ TRUTH + NOISE * jax.random.normal(key, (ROWS,), jnp.float64))
    model, corrector = regression(D, NOISE, jnp.float64), relabel(TRUTH, NOISE, gamma)
    return Loop(model, policies.replace(), sources.fixed(real), ROWS, corrector)


def check(effort: Effort) -> Finding:
    """Labels shrunk to the truth's, averaged over designs; labels mixed with the truth's, on one design."""
    shrunk, mixed = replaced(5 * effort.seeds)[1:], errors(given, GAMMA[1:], 5 * effort.seeds)
    unit, t, gammas = float(one_fit(D, ROWS, NOISE)), np.arange(GENERATIONS + 1), GAMMA[1:]
    theory = [np.asarray(regression_replace(D, ROWS, NOISE, GENERATIONS, gamma)) for gamma in gammas]
    coins = [np.asarray(regression_replace_given(jnp.asarray(DESIGN), NOISE, gamma, GENERATIONS)) for gamma in gammas]
    return Finding(
        hypotheses={
            "errors are bounded by one fit's over 1 - tau^2": all(
                bool(s[-1] < unit / (1 - (1 + gamma) ** -2)) for s, gamma in zip(theory, gammas, strict=True)
            ),
            "rows N >= d + 2": ROWS >= D + 2,
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
        ],
        control=Control(
            "the bound without correction",
            mean("gamma 0, t = 10", theory[0][-1], replaced(5 * effort.seeds)[0][:, -1]),
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
    )


CLAIM = Claim(
    name="label_correction",
    source="derived here (docs/stability.md), for the regression of Gerstgrasser et al. 2024 (arXiv 2404.01413)",
    statement="Labels by (w_t + gamma w*) / (1 + gamma): the error under replacement is one fit's times "
    "(1 - tau^(2 t + 2)) / (1 - tau^2), bounded for every gamma > 0; where each label is by w_t or w* at random, a "
    "recursion in the design adds the coin's variance tau (1 - tau) (x^T e)^2.",
    check=check,
)
