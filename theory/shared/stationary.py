"""What the two claims about stationary errors share."""

import numpy as np

from selfloop.stability import recursions
from theory.frame.claim import Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.families import GAMMA, GENERATIONS, NEW, SETTLED, M, N, augmented, cases

EXTREMES = ("Gaussian, d = 1", "exponential")


def stationary(effort: Effort, *, new: bool) -> Finding:
    """Mean errors of generations SETTLED to GENERATIONS beside the limit, for the settings with such real data."""
    errors = augmented(5 * effort.seeds)
    settings = [i for i in range(NEW.size) if NEW[i] == new]
    compared, shown, drift = [], [], 0.0
    for name, case in cases().items():
        for i in settings:
            squares = (errors[name][i] ** 2).sum(-1)
            limit = float(_limit(new)(N, M, GAMMA[i], case.v2))
            path = np.asarray(_path(new)(N, M, GAMMA[i], case.v2, GENERATIONS))
            drift = max(drift, abs(path[SETTLED:].mean() / limit - 1))
            compared.append(mean(f"{name}, gamma {GAMMA[i]:g}", limit, squares[:, SETTLED:].mean(1)))
            if name in EXTREMES:
                t, label = np.arange(GENERATIONS + 1), f"{name}, gamma {GAMMA[i]:g}"
                shown.append(Line(label, t, path, squares.mean(0), half_width(squares)))
    first = settings[0]
    squares = (errors["Gaussian, d = 1"][first] ** 2).sum(-1)[:, SETTLED:].mean(1)
    other = float(_limit(not new)(N, M, GAMMA[first], -1.0))
    return Finding(
        hypotheses={
            "the recursion's mean over the generations measured is within 0.2 % of its limit": drift < 0.002,
            "generation 0 of all families is a fit to n points: its error is unbiased": all(
                bool((abs(one[first][:, 0].mean(0)) <= half_width(one[first][:, 0])).all()) for one in errors.values()
            ),
        },
        comparisons=compared,
        control=Control(
            "the limit for real data of the other kind (new in place of re-used, or the reverse)",
            mean(f"Gaussian, d = 1, gamma {GAMMA[first]:g}", other, squares),
        ),
        figure=lines(shown, "generation", "s = E |mu - mu*|^2 / tr V*"),
    )


def _limit(new: bool):  # noqa: FBT001
    return recursions.fresh_limit if new else recursions.reuse_limit


def _path(new: bool):  # noqa: FBT001
    return recursions.fresh if new else recursions.reuse
