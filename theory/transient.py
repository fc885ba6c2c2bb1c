"""The way to the stationary error, generation by generation, and what keeps it tied to the real points."""

import numpy as np

from selfloop.stability import recursions
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared import slips
from theory.shared.chains import half_width
from theory.shared.families import GAMMA, GENERATIONS, NEW, RATIO, augmented, cases
from theory.shared.stationary import SEEDS

TIMES = (1, 4)
W = RATIO / (1 + RATIO)


def tie(n: int, gamma: float) -> np.ndarray:
    """a_t [T + 1], the covariance of e_t with the error of the re-used real points' mean: a' = (1 - w) / n + r a."""
    b = (1 - W) / (1 - W / (1 + gamma))
    return (b + (1 - b) * (W / (1 + gamma)) ** np.arange(GENERATIONS + 1)) / n


def check(effort: Effort) -> Finding:
    """Errors of generations 1 and 4 of six families in both loops; the cross term for Gaussians and exponentials."""
    errors = augmented(SEEDS * effort.seeds)
    compared, shown, t = [], [], np.arange(GENERATIONS + 1)
    for name, case in cases().items():
        for new, gamma, error in zip(NEW, GAMMA, errors[name], strict=True):
            path = np.asarray(
                (recursions.fresh if new else recursions.reuse)(case.n, case.m, gamma, case.v2, GENERATIONS)
            )
            squares, label = (error**2).sum(-1), f"{name}, {'new' if new else 're-used'} data, gamma {gamma:g}"
            compared += [mean(f"{label}: s_{one}", path[one], squares[:, one]) for one in TIMES]
            if name == "exponential":
                short = f"{'new' if new else 're-used'}, gamma {gamma:g}"
                shown.append(Line(short, t[:11], path[:11], squares.mean(0)[:11], half_width(squares)[:11]))
            if name in ("Gaussian, d = 1", "exponential") and not new:
                cross = (error * error[:, :1]).sum(-1)
                compared += [mean(f"{label}: a_{one}", tie(case.n, gamma)[one], cross[:, one]) for one in TIMES]
    error = errors["Gaussian, d = 1"][0]
    normal = cases()["Gaussian, d = 1"]
    path = np.asarray(recursions.reuse(normal.n, normal.m, 0.0, -1.0, GENERATIONS))
    untied = W**2 * path[0] + (1 - W) ** 2 / normal.n + W**2 / normal.m * (1 - path[0])
    return Finding(
        hypotheses={
            "at generation 0 the error is that of one fit, 1 / n, in all families": all(
                abs((one[0][:, 0] ** 2).sum(-1).mean() - 1 / case.n) <= half_width((one[0][:, 0] ** 2).sum(-1))
                for one, case in zip(errors.values(), cases().values(), strict=True)
            ),
        },
        comparisons=compared,
        control=Control(
            "the recursion without the cross term 2 (1 - w) r a, as if synthetic data did not know the real points",
            mean("Gaussian, d = 1, re-used data, gamma 0: s_1", untied, (error**2).sum(-1)[:, 1]),
        ),
        figure=lines(shown, "generation", "s, exponential"),
        definitions=["lambda = m / n = 2"],
    )


CLAIM = Claim(
    name="transient",
    source="derived here (docs/stability.md)",
    statement="s' = (1 - w)^2 / n + 2 (1 - w) r a + r^2 s + w^2 / m (1 + c s), a' = (1 - w) / n + r a, from "
    "s_0 = a_0 = 1 / n, with re-used real data; the same without the term in a with new data; exact at every "
    "generation for every family with quadratic variance.",
    check=check,
    slips=(
        *slips.SLOPE,
        *slips.PIECES,
        Slip(
            "the cross term left out",
            recursions.reuse,
            lambda right, *args, **kwargs: recursions.fresh(*args, **kwargs),
        ),
        Slip("one generation off", recursions.reuse, early),
        Slip("one generation off, new data", recursions.fresh, early),
        Slip("half the tie", tie, scaled(0.5)),
        Slip("one generation off in the tie", tie, early),
    ),
)
