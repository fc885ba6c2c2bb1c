"""Divergences that are not linear shrink at least by tau under pi_gamma, and W2 at least by its root."""

import numpy as np

from selfloop.metrics import discrete as distances
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_least, at_most, equal
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import pairs

DIVERGENCES = {
    "KL(q || p*)": distances.kl,
    "KL(p* || q)": lambda p, q: distances.kl(q, p),
    "squared Hellinger": distances.hellinger2,
    "Jensen-Shannon": distances.jensen_shannon,
    "squared W2": pairs.wasserstein2_squared,
}


def least_fall(gamma: np.ndarray) -> np.ndarray:
    """tau, of every divergence."""
    return 1 / (1 + gamma)


def ceiling(gamma: np.ndarray) -> np.ndarray:
    """log((1 + gamma) / gamma), of KL(p* || q)."""
    return np.log1p(1 / gamma)


def local_fall(gamma: np.ndarray) -> np.ndarray:
    """tau^2, of KL near p*."""
    return (1 + gamma) ** -2.0


def check(effort: Effort) -> Finding:
    """Random normal mixtures on a grid."""
    laws = pairs.random_pairs(effort.cases)
    shrunk = {
        name: np.array([f(one.q, one.star) / f(one.p, one.star) for one in laws]) for name, f in DIVERGENCES.items()
    }
    gamma = np.array([one.gamma for one in laws])
    tau = least_fall(gamma)
    reverse = np.array([distances.kl(one.star, one.q) for one in laws])
    root = np.array([pairs.wasserstein2_squared(one.q, one.star) ** 0.5 for one in laws])
    least = tau * np.array([pairs.wasserstein1(one.p, one.star) for one in laws])
    near = [pairs.Pair(_beside(one), one.star, one.gamma) for one in laws]
    local = np.array([distances.kl(one.q, one.star) / distances.kl(one.p, one.star) for one in near]) / local_fall(
        gamma
    )
    # a law with a symbol that p* gives a billionth: KL(p* || q) then is near its ceiling
    rare = np.array([1e-9, 1 - 1e-9])
    steep = np.array([distances.kl(rare[::-1], pairs.corrected(rare, rare[::-1], g)) for g in pairs.GAMMAS])
    return Finding(
        hypotheses={
            "the laws differ": min(distances.total_variation(one.p, one.star) for one in laws) > 0.01,
            "all divergences are finite": all(np.isfinite(ratio).all() for ratio in shrunk.values()),
        },
        comparisons=[
            *(at_most(f"{name}: largest ratio over tau", 1, (ratio / tau).max()) for name, ratio in shrunk.items()),
            at_most("KL(p* || q) over log((1 + gamma) / gamma), largest", 1, (reverse / ceiling(gamma)).max()),
            at_most(
                "the same for two laws that hardly overlap, largest", 1, (steep / ceiling(np.array(pairs.GAMMAS))).max()
            ),
            at_least("W2(q, p*) over tau W1(p, p*), least", 1, (root / least).min()),
            equal("KL near p*: ratio over tau², farthest from 1", 1, local[abs(local - 1).argmax()], 0.02),
        ],
        control=Control(
            "tau^1.2 for tau is no bound",
            at_most("KL(q || p*): largest ratio over tau^1.2", 1, (shrunk["KL(q || p*)"] / tau**1.2).max()),
        ),
        figure=lines(
            [
                Line("tau", pairs.GAMMAS, [1 / (1 + g) for g in pairs.GAMMAS]),
                *(
                    Line(f"{name}, largest", pairs.GAMMAS, None, [ratio[gamma == g].max() for g in pairs.GAMMAS])
                    for name, ratio in shrunk.items()
                ),
            ],
            "gamma",
            "divergence, corrected / raw",
            xscale="log",
        ),
    )


def _beside(one: pairs.Pair) -> np.ndarray:
    """A law whose density is within a hundredth of that of p*, everywhere."""
    law = one.star * (1 + 0.01 * (one.p - one.star) / (one.p + one.star))
    return law / law.sum()


CLAIM = Claim(
    name="contraction_inequalities",
    source="derived here: convexity of f-divergences, and mixtures of couplings",
    statement="KL to and from p*, squared Hellinger, Jensen-Shannon and squared W2 shrink by tau or more under "
    "pi_gamma; KL(p* || q) is at most log((1 + gamma) / gamma); W2(q, p*) >= tau W1(p, p*). "
    "Near p*, KL shrinks by tau².",
    check=check,
    slips=(
        Slip("tau² for tau", least_fall, lambda right, gamma: right(gamma) ** 2),
        Slip("half of tau", least_fall, scaled(0.5)),
        Slip("half the ceiling of KL(p* || q)", ceiling, scaled(0.5)),
        Slip("1 / (1 + gamma) for the ceiling's logarithm", ceiling, lambda right, gamma: 1 / (1 + gamma)),
        Slip("tau for tau² near p*", local_fall, lambda right, gamma: right(gamma) ** 0.5),
        Slip("a factor 2 near p*", local_fall, scaled(2.0)),
    ),
)
