"""A constant share of wrong labels leaves an error that no amount of data removes."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.correctors.labels import relabel
from selfloop.models.regression import labelled, regression
from selfloop.protocols import Loop
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
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


def check(effort: Effort) -> Finding:
    """Test errors at 10, 40 and 160 rows for two shares of labels by a wrong rule, and at 160 for right ones."""
    grid = [(rows, share, False) for share in SHARE for rows in ROWS] + [(MOST, SHARE[1], True)]
    settings = dict(zip(("rows", "share", "right"), map(np.array, zip(*grid, strict=True)), strict=True))
    error = chains(build, settings, 5 * effort.seeds, 1, lambda r: jnp.sum((r.state.weights - TRUTH) ** 2), seed=11)
    error, right = error[:-1, :, 1].reshape(SHARE.size, ROWS.size, -1), error[-1, :, 1]
    floor = SHARE**2 * DISTANCE
    noise = NOISE**2 * D / (ROWS - D - 1) * (SHARE**2 + (1 - SHARE) ** 2)[:, None]
    exact = floor[:, None] + noise
    return Finding(
        hypotheses={
            "rows N >= d + 2": bool((ROWS >= D + 2).all()),
            "the two rules differ": DISTANCE > 0,
            "without wrong labels the error at 160 rows lies below the floor": bool(noise[1, -1] < floor[1]),
        },
        comparisons=[
            *(
                mean(f"share {p:g}, {rows} rows", exact[i, j], error[i, j])
                for i, p in enumerate(SHARE)
                for j, rows in enumerate(ROWS)
            ),
            *(mean(f"share {p:g}: not below the floor", floor[i], error[i, -1], ">=") for i, p in enumerate(SHARE)),
        ],
        control=Control(
            "the floor where the other labels are right too",
            mean("share 0.3, 160 rows, right labels", floor[1], right, ">="),
        ),
        figure=lines(
            [
                entry
                for i, p in enumerate(SHARE)
                for entry in (
                    Line(f"share {p:g}", ROWS, exact[i], error[i].mean(1), half_width(error[i].T)),
                    Line(f"floor, share {p:g}", ROWS, np.full(ROWS.size, floor[i]), dashed=True),
                )
            ],
            "rows",
            "test error E |w - w*|^2",
            xscale="log",
            yscale="log",
        ),
    )


CLAIM = Claim(
    name="wrong_labels",
    source="Dohmatob et al. 2025 (Strong Model Collapse, arXiv 2410.04840) for the limit; the exact error derived here",
    statement="Least squares on labels of which a share p of the weight is by a wrong rule w2: E |w - w1|^2 = "
    "p^2 |w1 - w2|^2 + (p^2 + (1 - p)^2) sigma^2 d / (N - d - 1), never below p^2 |w1 - w2|^2 however large N.",
    check=check,
)
