"""Divergences that are not linear shrink at least by tau under pi_gamma, and W2 at least by its root."""

import numpy as np

from selfloop.metrics import discrete as distances
from theory.frame.claim import Claim, Control, Effort, Finding, at_least, at_most
from theory.frame.drawing import Line, lines
from theory.shared import pairs

DIVERGENCES = {
    "KL(q || p*)": distances.kl,
    "KL(p* || q)": lambda p, q: distances.kl(q, p),
    "squared Hellinger": distances.hellinger2,
    "Jensen-Shannon": distances.jensen_shannon,
    "squared W2": pairs.wasserstein2_squared,
}


def check(effort: Effort) -> Finding:
    """Random normal mixtures on a grid."""
    laws = pairs.random_pairs(effort.cases)
    shrunk = {
        name: np.array([f(one.q, one.star) / f(one.p, one.star) for one in laws]) for name, f in DIVERGENCES.items()
    }
    tau, gamma = (np.array([getattr(one, name) for one in laws]) for name in ("tau", "gamma"))
    reverse = np.array([distances.kl(one.star, one.q) for one in laws])
    root = np.array([pairs.wasserstein2_squared(one.q, one.star) ** 0.5 for one in laws])
    least = np.array([one.tau * pairs.wasserstein1(one.p, one.star) for one in laws])
    near = [pairs.Pair(_beside(one), one.star, one.gamma) for one in laws]
    local = np.array([distances.kl(one.q, one.star) / distances.kl(one.p, one.star) / one.tau**2 for one in near])
    return Finding(
        hypotheses={
            "the laws differ": min(distances.total_variation(one.p, one.star) for one in laws) > 0.01,
            "all divergences are finite": all(np.isfinite(ratio).all() for ratio in shrunk.values()),
        },
        comparisons=[
            *(at_most(f"{name}: largest ratio over tau", 1, (ratio / tau).max()) for name, ratio in shrunk.items()),
            at_most("KL(p* || q) over log((1 + gamma) / gamma), largest", 1, (reverse / np.log1p(1 / gamma)).max()),
            at_least("W2(q, p*) over tau W1(p, p*), least", 1, (root / least).min()),
            at_most("KL near p*: largest distance of its ratio from tau², relative", 0.02, abs(local - 1).max()),
        ],
        control=Control(
            "far from p* KL does not shrink by tau²",
            at_most("KL(q || p*): largest ratio over tau²", 1, (shrunk["KL(q || p*)"] / tau**2).max()),
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
)
