"""The stationary error of a loop that sees the same real data in every generation."""

from selfloop.stability import recursions
from theory.frame.claim import Claim, Effort, Finding, Slip
from theory.frame.slips import scaled
from theory.shared import slips
from theory.shared.stationary import stationary

STATEMENT = (
    "With n re-used real points and m synthetic ones, in families whose variance is quadratic in the mean (v2), "
    "E |mu_t - mu*|^2 / tr V* tends to (b^2 (1 - r^2) / n + w^2 / m) / (1 - r^2 - c w^2 / m), with w = m / (n + m), "
    "r = w tau, b = (1 - w) / (1 - r), c = v2 tau + tau (1 - tau), tau = 1 / (1 + gamma)."
)


def check(effort: Effort) -> Finding:
    """Six families, without and with correction; the control has one real point more."""
    return stationary(effort, new=False)


CLAIM = Claim(
    name="stationary_reuse",
    source="derived here (docs/stability.md), after the loop of Bertrand et al. 2024 and Gillman et al. 2024",
    statement=STATEMENT,
    check=check,
    slips=(
        *slips.SLOPE,
        *slips.PIECES,
        Slip(
            "the cross term left out: new real data for the same",
            recursions.reuse_limit,
            lambda right, *args: recursions.fresh_limit(*args),
        ),
        Slip("a factor 2", recursions.reuse_limit, scaled(2.0)),
    ),
)
