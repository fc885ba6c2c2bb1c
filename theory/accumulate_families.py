"""The pi^2 / 6 of accumulation is that of families with constant variance; others have a sinh or a sine."""

import math
from functools import cache, partial

import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.protocols import Loop
from selfloop.stability import recursions
from theory.frame.claim import RECALLED, Claim, Comparison, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import chains, half_width
from theory.shared.families import Case, cases, error

N = 2
GENERATIONS = 15
NAMES = ("Gaussian, known variance", "exponential", "Bernoulli")


def _build(case: Case, key, setting) -> Loop:
    real = sources.fixed(uniform(case.draw(key, N)))
    return Loop(case.model, policies.accumulate(), real, N)


def limit(v2: float) -> float:
    """s in the limit: pi^2 / (6 n), or from prod (1 + v2 / (n i^2)) = sinh(z) / z or sin(z) / z, z = pi / sqrt n."""
    z = math.pi / math.sqrt(N)
    return {0.0: math.pi**2 / (6 * N), 1.0: math.sinh(z) / z - 1, -1.0: 1 - math.sin(z) / z}[v2]


def path(v2: float) -> np.ndarray:
    """s_t [T + 1]: 1 + v2 s_t = prod_{i=1}^{t+1} (1 + v2 / (n i^2)), or sum 1 / (n i^2) where v2 = 0."""
    step = 1 / (N * np.arange(1, GENERATIONS + 2) ** 2.0)
    return np.cumsum(step) if v2 == 0 else (np.cumprod(1 + v2 * step) - 1) / v2


@cache
def measured(name: str, seeds: int) -> np.ndarray:
    """e_t^2 / V* [S, T + 1] of a family."""
    case = cases()[name]
    return chains(
        partial(_build, case),
        np.zeros(1),
        seeds,
        GENERATIONS,
        lambda result: error(case, result)[0] ** 2,
        seed=7,
    )[0]


def settled(name: str, v2: float, squares: np.ndarray) -> Comparison:
    """The limit beside the last generation, with room for what the generations after it add.

    Their factors of 1 + v2 s multiply to between 1 + v2 / (n (T + 2)) and its like at T + 1, to first order, which
    1.05 covers.
    """
    last = mean(f"{name}: s in the limit", limit(v2), squares[:, -1])
    most = 1.05 / (N * (GENERATIONS + 1)) * (1 + v2 * last.measured)
    return last._replace(high=last.high + most)


def check(effort: Effort) -> Finding:
    """n = 2 points a generation, where the three limits lie far apart, 15 generations."""
    table = cases()
    squares = {name: measured(name, 50 * effort.seeds) for name in NAMES}
    s = {name: path(table[name].v2) for name in NAMES}
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "generation 0 is one fit to 2 points in all families": all(
                abs(one[:, 0].mean() - 1 / N) <= half_width(one[:, 0]) for one in squares.values()
            ),
        },
        comparisons=[
            *(
                mean(f"{name}: s_{one}", s[name][one], squares[name][:, one])
                for name in NAMES
                for one in (1, GENERATIONS)
            ),
            *(settled(name, table[name].v2, squares[name]) for name in NAMES),
            *(
                identity(f"{name}: limit of the recursion (200,000 generations)", limit(table[name].v2), end, 1e-4)
                for name in NAMES
                for end in [recursions.accumulate(N, N, 0.0, table[name].v2, 200_000)[-1]]
            ),
        ],
        control=Control(
            "pi^2 / 6 for all families: Bernoulli",
            mean("Bernoulli: s_15", s[NAMES[0]][-1], squares["Bernoulli"][:, -1]),
        ),
        figure=lines(
            [Line(name, t[::2], s[name][::2], one.mean(0)[::2], half_width(one)[::2]) for name, one in squares.items()],
            "generation",
            "s = E |mu - mu*|^2 / V*",
        ),
    )


CLAIM = Claim(
    name="accumulate_families",
    source=f"Dey and Donoho 2024 (arXiv 2410.22812; {RECALLED}) for pi^2 / 6, to first order in 1 / n; exact limits "
    "derived here",
    statement="All data kept, n = m, no correction: s_t -> pi^2 / (6 n) where v2 = 0, sinh(z) / z - 1 where v2 = 1, "
    "1 - sin(z) / z where v2 = -1, z = pi / sqrt n: all pi^2 / (6 n) to first order in 1 / n.",
    check=check,
    slips=(
        Slip("pi² / (6 n) for all families", limit, lambda right, v2: right(0.0)),
        Slip("sinh for sin, sin for sinh", limit, lambda right, v2: right(-v2)),
        Slip("n + 1 for n in the limit", limit, lambda right, v2: right(v2) * N / (N + 1)),
        Slip("first order: sum 1 / (n i²) for all", path, lambda right, v2: right(0.0)),
        Slip("one generation off", path, lambda right, v2: early(right, v2)),
        Slip("a factor 2", path, scaled(2.0)),
    ),
)
