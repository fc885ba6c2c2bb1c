"""Any correction stops the collapse of a loop without real data."""

import numpy as np

from selfloop.stability import recursions
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import slips
from theory.shared.chains import half_width
from theory.shared.families import cases
from theory.shared.replaced import FAMILIES, GAMMA, GENERATIONS, M, families, predicted

SETTLED = 10


def check(effort: Effort) -> Finding:
    """Three families at gamma = 0.5 and 1: mean errors of generations 10 to 16 beside the limit."""
    measured, v2 = families(40 * effort.seeds), {name: cases()[name].v2 for name in FAMILIES}
    limit = {(name, g): float(recursions.replace_limit(M, GAMMA[g], v2[name])) for name in FAMILIES for g in (1, 2)}
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "without correction the error is above the limit of gamma 1 from generation 3 on": all(
                one[0][:, 3].mean() - half_width(one[0][:, 3]) > limit[name, 2] for name, one in measured.items()
            ),
        },
        comparisons=[
            mean(f"{name}, gamma {GAMMA[g]:g}", one, measured[name][g][:, SETTLED:].mean(1))
            for (name, g), one in limit.items()
        ]
        + [
            identity(
                "the recursion's mean over the generations measured, over its limit: farthest from 1",
                1.0,
                max(
                    (predicted(name, GAMMA[g])[SETTLED:].mean() / one for (name, g), one in limit.items()),
                    key=lambda level: abs(level - 1),
                ),
                0.01,
            ),
        ],
        control=Control(
            "the limit of a corrector that shrinks the mean and adds no variance, c = v2 tau",
            mean(
                "Bernoulli, gamma 0.5",
                1 / (M * (1 - 1.5**-2) + 1.5**-1),
                measured["Bernoulli"][1][:, SETTLED:].mean(1),
            ),
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
        definitions=["lambda is infinite, outside Theorem 4.3 for every gamma"],
    )


CLAIM = Claim(
    name="correction_stops",
    source="derived here (docs/stability.md)",
    statement="Under replacement (lambda = infinity), correction of any gamma > 0 keeps the error at "
    "(1 / m) / (1 - tau^2 - c / m) for v2 <= 0, and for v2 > 0 where that denominator is positive.",
    check=check,
    slips=(
        *slips.SLOPE,
        Slip("m + 1 for m", recursions.replace_limit, lambda right, m, gamma, v2: right(m + 1, gamma, v2)),
        Slip(
            "tau for tau²",
            recursions.replace_limit,
            lambda right, m, gamma, v2: 1 / (m * gamma / (1 + gamma) - v2 / (1 + gamma)),
        ),
        Slip("a factor 2", recursions.replace_limit, scaled(2.0)),
    ),
)
