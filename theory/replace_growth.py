"""How errors grow when models train on the newest synthetic data alone."""

import numpy as np

from theory.frame.claim import Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.chains import half_width
from theory.shared.replaced import FAMILIES, GENERATIONS, M, families, predicted

TIMES = (1, 3)


def law(v2: float, t: np.ndarray) -> np.ndarray:
    """s_t [T + 1] in closed form: (1 + v2 s_t) grows by 1 + v2 / m, s_t by 1 / m where v2 = 0."""
    return (t + 1) / M if v2 == 0 else ((1 + v2 / M) ** (t + 1) - 1) / v2


def check(effort: Effort) -> Finding:
    """Bernoulli laws saturate, a Gaussian's mean diffuses, exponential laws explode."""
    measured = {name: one[0] for name, one in families(40 * effort.seeds).items()}
    t = np.arange(GENERATIONS + 1)
    laws = dict(zip(FAMILIES, (law(v2, t) for v2 in (-1.0, 0.0, 1.0)), strict=True))
    return Finding(
        hypotheses={
            "generation 0 is one fit to m points: s_0 = 1 / m": all(
                abs(one[:, 0].mean() - 1 / M) <= half_width(one[:, 0]) for one in measured.values()
            ),
        },
        comparisons=[
            mean(f"{name}: s_{one}", laws[name][one], measured[name][:, one]) for name in FAMILIES for one in TIMES
        ]
        + [
            identity(
                f"{name}: the closed form over the recursion, t = 9",
                1.0,
                laws[name][9] / predicted(name, 0.0)[9],
                1e-12,
            )
            for name in FAMILIES
        ],
        control=Control(
            "linear growth for Bernoulli laws, as if v2 were 0",
            mean("Bernoulli: s_1", laws["Gaussian, known variance"][1], measured["Bernoulli"][:, 1]),
        ),
        figure=lines(
            [
                Line(name, t[:13], laws[name][:13], one.mean(0)[:13], half_width(one)[:13])
                for name, one in measured.items()
            ],
            "generation",
            "s = E |mu - mu*|^2 / V*",
            yscale="log",
        ),
    )


CLAIM = Claim(
    name="replace_growth",
    source="derived here (docs/stability.md), for the fully synthetic loop of Shumailov et al. 2024 (arXiv 2305.17493)",
    statement="Without real data and correction, n = m: s_t = 1 - (1 - 1/m)^(t+1) where v2 = -1 (Bernoulli, "
    "categorical, Gaussian with unknown covariance), (t + 1) / m where v2 = 0, (1 + 1/m)^(t+1) - 1 where v2 = 1.",
    check=check,
    slips=(
        Slip("t for t + 1", law, lambda right, v2, t: right(v2, t - 1)),
        Slip("to first order, v2 = 0 for all", law, lambda right, v2, t: right(0.0, t)),
        Slip("a factor 2", law, scaled(2.0)),
        Slip("v2 of the other sign", law, lambda right, v2, t: right(-v2, t)),
    ),
)
