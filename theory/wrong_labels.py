"""A constant share of wrong labels leaves an error that no amount of data removes."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.correctors.labels import relabel
from selfloop.models.regression import labelled, regression
from selfloop.protocols import Loop
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.chains import chains, half_width

D = 3
MOST = 160
NOISE = 1.0
TRUTH = np.array([1.0, -0.5, 2.0])
WRONG = np.array([0.5, 0.5, 1.0])
DISTANCE = float(np.sum((TRUTH - WRONG) ** 2))
ROWS = np.array([10, 40, MOST])
SHARE = np.array([0.1, 0.3])


def build(key: jax.Array, setting: dict[str, jax.Array]) -> Loop:
    """A regression on right labels and wrong ones of the same designs, in shares 1 - p and p of the weight."""
    of_design, of_noise = jax.random.split(key)
    design = jax.random.normal(of_design, (MOST, D), jnp.float64)
    design = jnp.where(jnp.arange(MOST)[:, None] < setting["rows"], design, 0)  # rows of zeros say nothing
    label = design @ TRUTH + NOISE * jax.random.normal(of_noise, (MOST,), jnp.float64)
    wrong = jnp.where(setting["right"], TRUTH, WRONG)
    policy, corrector = policies.weighted(1 - setting["share"]), relabel(wrong, NOISE, jnp.inf)
    return Loop(regression(D, NOISE, jnp.float64), policy, sources.fixed(labelled(design, label)), MOST, corrector)


def floor(share: np.ndarray) -> np.ndarray:
    """p^2 |w1 - w2|^2, what no amount of data removes."""
    return share**2 * DISTANCE


def noise(share: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(p^2 + (1 - p)^2) sigma^2 d / (N - d - 1) [shares, rows]."""
    return NOISE**2 * D / (rows - D - 1)[None] * (share**2 + (1 - share) ** 2)[:, None]


GRID = [(rows, share, False) for share in SHARE for rows in ROWS] + [(MOST, SHARE[1], True)]


@cache
def measured(seeds: int) -> np.ndarray:
    """Test errors [settings, S]."""
    settings = dict(zip(("rows", "share", "right"), map(np.array, zip(*GRID, strict=True)), strict=True))
    return chains(build, settings, seeds, 1, lambda r: jnp.sum((r.state.weights - TRUTH) ** 2), seed=11)[:, :, 1]


def check(effort: Effort) -> Finding:
    """Test errors at 10, 40 and 160 rows for two shares of labels by a wrong rule, and at 160 for right ones."""
    found = measured(20 * effort.seeds)
    error, right = found[:-1].reshape(SHARE.size, ROWS.size, -1), found[-1]
    least, exact = floor(SHARE), floor(SHARE)[:, None] + noise(SHARE, ROWS)
    return Finding(
        hypotheses={
            "without wrong labels the error at 160 rows lies below the floor": bool(right.mean() < least[1]),
        },
        comparisons=[
            *(
                mean(f"share {p:g}, {rows} rows", exact[i, j], error[i, j])
                for i, p in enumerate(SHARE)
                for j, rows in enumerate(ROWS)
            ),
            *(mean(f"share {p:g}: not below the floor", least[i], error[i, -1], ">=") for i, p in enumerate(SHARE)),
        ],
        control=Control(
            "N - d for N - d - 1",
            mean("share 0.1, 10 rows", least[0] + noise(SHARE, ROWS + 1)[0, 0], error[0, 0]),
        ),
        figure=lines(
            [
                entry
                for i, p in enumerate(SHARE)
                for entry in (
                    Line(f"share {p:g}", ROWS, exact[i], error[i].mean(1), half_width(error[i].T)),
                    Line(f"floor, share {p:g}", ROWS, np.full(ROWS.size, least[i]), dashed=True),
                )
            ],
            "rows",
            "test error E |w - w*|^2",
            xscale="log",
            yscale="log",
        ),
        definitions=["rows N >= d + 2; the two rules differ"],
    )


CLAIM = Claim(
    name="wrong_labels",
    source=f"Dohmatob et al. 2025 (Strong Model Collapse, arXiv 2410.04840; {RECALLED}) for the limit; the exact error "
    "derived here",
    statement="Least squares on labels of which a share p of the weight is by a wrong rule w2: E |w - w1|^2 = "
    "p^2 |w1 - w2|^2 + (p^2 + (1 - p)^2) sigma^2 d / (N - d - 1), never below p^2 |w1 - w2|^2 however large N.",
    check=check,
    slips=(
        Slip("p for p²", floor, lambda right, share: share * DISTANCE),
        Slip("a factor 2", floor, scaled(2.0)),
        Slip("N - d for N - d - 1", noise, lambda right, share, rows: right(share, rows + 1)),
        Slip("p² + (1 - p)² left out", noise, lambda right, share, rows: right(0 * share, rows)),
        Slip("(1 - p)² alone", noise, lambda right, share, rows: right(0 * share, rows) * (1 - share[:, None]) ** 2),
        Slip("d left out", noise, scaled(1 / D)),
    ),
)
