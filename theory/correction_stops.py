"""Any correction stops the collapse of a loop without real data."""

import numpy as np

from selfloop.stability import rates, recursions
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.families import cases
from theory.shared.replaced import FAMILIES, GAMMA, GENERATIONS, N, families, predicted

SETTLED = 12


def check(effort: Effort) -> Finding:
    """Three families at gamma = 0.25 and 1: mean errors of generations 12 to 20 beside the limit."""
    measured, v2 = families(5 * effort.seeds), {name: cases()[name].v2 for name in FAMILIES}
    limit = {(name, g): float(recursions.replace_limit(N, GAMMA[g], v2[name])) for name in FAMILIES for g in (1, 2)}
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "lambda is infinite, outside Theorem 4.3 for every gamma": not any(
                bool(rates.gillman_condition(np.inf, gamma, 0.0)) for gamma in GAMMA
            ),
            "the recursion's mean over the generations measured is within 1 % of its limit": all(
                abs(predicted(name, GAMMA[g])[SETTLED:].mean() / one - 1) < 0.01 for (name, g), one in limit.items()
            ),
            "without correction there is no such limit below the truth's variance": all(
                float(recursions.replace_limit(N, 0.0, one)) >= 1 - 1e-12 for one in v2.values()
            ),
        },
        comparisons=[
            mean(f"{name}, gamma {GAMMA[g]:g}", one, measured[name][g][:, SETTLED:].mean(1))
            for (name, g), one in limit.items()
        ],
        control=Control(
            "the same limit for the loop without correction",
            mean("Bernoulli, gamma 0, t = 20", limit["Bernoulli", 1], measured["Bernoulli"][0][:, -1]),
        ),
        figure=lines(
            [
                Line(f"{name}, gamma {GAMMA[g]:g}", t, predicted(name, GAMMA[g]), one.mean(0), half_width(one))
                for name in ("Bernoulli", "exponential")
                for g, one in ((1, measured[name][1]), (2, measured[name][2]))
            ],
            "generation",
            "s = E |mu - mu*|^2 / V*",
        ),
    )


CLAIM = Claim(
    name="correction_stops",
    source="derived here (docs/stability.md)",
    statement="Under replacement (lambda = infinity), correction of any gamma > 0 keeps the error at "
    "(1 / m) / (1 - tau^2 - c / m) for v2 <= 0, and for v2 > 0 where that denominator is positive.",
    check=check,
)
