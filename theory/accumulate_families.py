"""The pi^2 / 6 of accumulation is that of families with constant variance; others have a sinh or a sine."""

import math
from functools import partial

import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.protocols import Loop
from selfloop.stability import recursions
from theory.frame.claim import Claim, Control, Effort, Finding, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import chains, half_width
from theory.shared.families import Case, cases, error

N = 3
GENERATIONS = 40
NAMES = ("Gaussian, known variance", "exponential", "Bernoulli")


def _build(case: Case, key, setting) -> Loop:
    real = sources.fixed(uniform(case.draw(key, N)))
    return Loop(case.model, policies.accumulate(), real, N)


def limit(v2: float) -> float:
    """s in the limit: pi^2 / (6 n), or from prod (1 + v2 / (n i^2)) = sinh(z) / z or sin(z) / z, z = pi / sqrt n."""
    z = math.pi / math.sqrt(N)
    return {0.0: math.pi**2 / (6 * N), 1.0: math.sinh(z) / z - 1, -1.0: 1 - math.sin(z) / z}[v2]


def check(effort: Effort) -> Finding:
    """n = 3 points a generation, where the three limits lie far apart, 40 generations."""
    table = cases()
    squares = {
        name: chains(
            partial(_build, table[name]),
            np.zeros(1),
            20 * effort.seeds,
            GENERATIONS,
            lambda result, case=table[name]: error(case, result)[0] ** 2,
            seed=7,
        )[0]
        for name in NAMES
    }
    s = {name: np.asarray(recursions.accumulate(N, N, 0.0, table[name].v2, GENERATIONS)) for name in NAMES}
    ends = {name: limit(table[name].v2) for name in NAMES}
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "at generation 40 the recursions are within 3 % of their limits": all(
                abs(s[name][-1] / ends[name] - 1) < 0.03 for name in NAMES
            ),
            "with constant variance the recursion is sum 1 / i^2 / n": bool(
                np.allclose(s[NAMES[0]], np.cumsum(1.0 / (t + 1) ** 2) / N, rtol=1e-12)
            ),
        },
        comparisons=[
            *(mean(f"{name}: s_{one}", s[name][one], squares[name][:, one]) for name in NAMES for one in (1, 40)),
            *(
                equal(f"{name}: limit of the recursion (200,000 generations)", ends[name], end, 1e-4)
                for name in NAMES
                for end in [recursions.accumulate(N, N, 0.0, table[name].v2, 200_000)[-1]]
            ),
        ],
        control=Control(
            "pi^2 / 6 for all families: Bernoulli",
            mean("Bernoulli: s_40", s[NAMES[0]][-1], squares["Bernoulli"][:, -1]),
        ),
        figure=lines(
            [Line(name, t[::2], s[name][::2], one.mean(0)[::2], half_width(one)[::2]) for name, one in squares.items()],
            "generation",
            "s = E |mu - mu*|^2 / V*",
        ),
    )


CLAIM = Claim(
    name="accumulate_families",
    source="Dey and Donoho 2024 (arXiv 2410.22812) for pi^2 / 6, to first order in 1 / n; exact limits derived here",
    statement="All data kept, n = m, no correction: s_t -> pi^2 / (6 n) where v2 = 0, sinh(z) / z - 1 where v2 = 1, "
    "1 - sin(z) / z where v2 = -1, z = pi / sqrt n: all pi^2 / (6 n) to first order in 1 / n.",
    check=check,
)
