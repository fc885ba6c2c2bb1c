"""What the two claims about stationary errors share."""

import numpy as np

from selfloop.stability import recursions
from theory.frame.claim import Control, Effort, Finding, identity, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.families import GAMMA, GENERATIONS, NEW, SETTLED, augmented, cases

SEEDS = 100
"""Chains per seed of an effort: of one or two points each."""
EXTREMES = ("Gaussian, d = 1", "exponential")


def stationary(effort: Effort, *, new: bool) -> Finding:
    """Mean errors of generations SETTLED to GENERATIONS beside the limit, for the settings with such real data."""
    errors = augmented(SEEDS * effort.seeds)
    settings = [i for i in range(NEW.size) if NEW[i] == new]
    compared, shown, levels = [], [], []
    for name, case in cases().items():
        for i in settings:
            squares = (errors[name][i] ** 2).sum(-1)
            limit = float(_limit(new)(case.n, case.m, GAMMA[i], case.v2))
            path = np.asarray(_path(new)(case.n, case.m, GAMMA[i], case.v2, GENERATIONS))
            levels.append(path[SETTLED:].mean() / limit)
            compared.append(mean(f"{name}, gamma {GAMMA[i]:g}", limit, squares[:, SETTLED:].mean(1)))
            if name in EXTREMES:
                t, label = np.arange(GENERATIONS + 1), f"{name}, gamma {GAMMA[i]:g}"
                shown.append(Line(label, t, path, squares.mean(0), half_width(squares)))
    first = settings[0]
    squares = (errors["Gaussian, d = 1"][first] ** 2).sum(-1)[:, SETTLED:].mean(1)
    near = cases()["Gaussian, d = 1"]
    other = float(_limit(new)(near.n + 1, near.m, GAMMA[first], -1.0))
    return Finding(
        hypotheses={
            "generation 0 of all families is a fit to n points: its error is unbiased": all(
                bool((abs(one[first][:, 0].mean(0)) <= half_width(one[first][:, 0])).all()) for one in errors.values()
            ),
        },
        comparisons=[
            *compared,
            identity(
                "the recursion's mean over the generations measured, over its limit: farthest from 1",
                1.0,
                max(levels, key=lambda level: abs(level - 1)),
                0.002,
            ),
        ],
        control=Control(
            "the limit for one real point more, 4 in place of 3",
            mean(f"Gaussian, d = 1, gamma {GAMMA[first]:g}", other, squares),
        ),
        figure=lines(shown, "generation", "s = E |mu - mu*|^2 / tr V*"),
    )


def _limit(new: bool):  # noqa: FBT001
    return recursions.fresh_limit if new else recursions.reuse_limit


def _path(new: bool):  # noqa: FBT001
    return recursions.fresh if new else recursions.reuse
