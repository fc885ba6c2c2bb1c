"""The stationary error of a loop that sees new real data in every generation."""

from selfloop.stability import recursions
from theory.frame.claim import Claim, Effort, Finding, Slip
from theory.frame.slips import scaled
from theory.shared import slips
from theory.shared.stationary import stationary

STATEMENT = (
    "With n new real points and m synthetic ones a generation, in families whose variance is quadratic in the mean, "
    "E |mu_t - mu*|^2 / tr V* tends to ((1 - w)^2 / n + w^2 / m) / (1 - r^2 - c w^2 / m): below 1 / n even without "
    "correction, since the model carries what earlier real data taught it."
)


def check(effort: Effort) -> Finding:
    """Six families, without and with correction; the control has one real point more."""
    return stationary(effort, new=True)


CLAIM = Claim(
    name="stationary_fresh",
    source="derived here (docs/stability.md), for the fresh data loop of Alemohammad et al. 2024 (arXiv 2307.01850)",
    statement=STATEMENT,
    check=check,
    slips=(
        *slips.SLOPE,
        *slips.PIECES,
        Slip(
            "a cross term, as if real data were the same",
            recursions.fresh_limit,
            lambda right, *args: recursions.reuse_limit(*args),
        ),
        Slip("a factor 2", recursions.fresh_limit, scaled(2.0)),
    ),
)
