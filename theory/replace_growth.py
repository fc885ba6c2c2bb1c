"""How errors grow when models train on the newest synthetic data alone."""

import numpy as np

from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.replaced import FAMILIES, GENERATIONS, N, families, predicted

TIMES = (2, 6)


def law(v2: float, t: np.ndarray) -> np.ndarray:
    """s_t [T + 1] in closed form: (1 + v2 s_t) grows by 1 + v2 / m, s_t by 1 / m where v2 = 0."""
    return (t + 1) / N if v2 == 0 else ((1 + v2 / N) ** (t + 1) - 1) / v2


def check(effort: Effort) -> Finding:
    """Bernoulli laws saturate, a Gaussian's mean diffuses, exponential laws explode."""
    measured = {name: one[0] for name, one in families(5 * effort.seeds).items()}
    t = np.arange(GENERATIONS + 1)
    laws = dict(zip(FAMILIES, (law(v2, t) for v2 in (-1.0, 0.0, 1.0)), strict=True))
    return Finding(
        hypotheses={
            "the closed forms are the recursion's": all(
                np.allclose(laws[name], predicted(name, 0.0), rtol=1e-12) for name in FAMILIES
            ),
        },
        comparisons=[
            mean(f"{name}: s_{one}", laws[name][one], measured[name][:, one]) for name in FAMILIES for one in TIMES
        ],
        control=Control(
            "linear growth for Bernoulli laws, as if v2 were 0",
            mean("Bernoulli: s_12", laws["Gaussian, known variance"][12], measured["Bernoulli"][:, 12]),
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
)
