"""Selection by a verifier that errs: which share of right labels is enough, and that it may be below a half."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch
from selfloop.correctors.verifier import verifier
from selfloop.models.regression import labelled, regression
from selfloop.policies import replace
from selfloop.protocols import Generation, Loop
from selfloop.sources import fixed
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import chains

D, N = 4, 1000
RIGHT = np.array([0.15, 0.22, 0.28, 0.4, 0.4])
TRUE, FALSE = np.array([0.9] * 4 + [1.0]), np.array([0.3] * 4 + [1.0])
NAMES = [f"labels right {p:g}" for p in RIGHT[:4]] + ["labels right 0.4, no verifier"]


def kept_right(p: np.ndarray, phi: np.ndarray, psi: np.ndarray) -> np.ndarray:
    """p' = p phi / (p phi + (1 - p) psi)."""
    return p * phi / (p * phi + (1 - p) * psi)


def coefficient(right: np.ndarray) -> np.ndarray:
    """(2 p' - 1) (2 / pi)^(1/2), of x_1 in least squares on signs of which a share p' is right."""
    return (2 * right - 1) * np.sqrt(2 / np.pi)


def threshold(phi: np.ndarray, psi: np.ndarray) -> np.ndarray:
    """1 / (1 + phi / psi)."""
    return 1 / (1 + phi / psi)


def check(effort: Effort) -> Finding:
    """Labels sign(x_1), right with probability p; the verifier keeps 0.9 of the right and 0.3 of the wrong."""
    share, slope, accuracy = (np.asarray(one) for one in _measured(effort.seeds))
    kept = kept_right(RIGHT, TRUE, FALSE)
    good = threshold(TRUE, FALSE) < RIGHT
    return Finding(
        hypotheses={
            "the verifier keeps right labels more often than wrong ones": bool((share[:4].mean(1) > RIGHT[:4]).all()),
        },
        comparisons=[
            *(
                mean(f"{name}: share right among those kept", one, found)
                for name, one, found in zip(NAMES, kept, share, strict=True)
            ),
            *(
                mean(
                    f"{name}: coefficient of x_1, beside (2 p' - 1) (2 / pi)^(1/2)",
                    coefficient(one),
                    found,
                )
                for name, one, found in zip(NAMES, kept, slope, strict=True)
            ),
            *(
                mean(f"{name}: accuracy of the classifier", *((0.5, found, ">=") if above else (0.5, found, "<=")))
                for name, above, found in zip(NAMES, good, accuracy, strict=True)
            ),
        ],
        control=Control(
            "a verifier that lets half as many wrong labels pass",
            mean(f"{NAMES[3]}: share right among those kept", kept_right(0.4, 0.9, 0.15), share[3]),
        ),
        figure=lines(
            [
                Line("share right among those kept", RIGHT[:4], kept[:4], share[:4].mean(1)),
                Line("accuracy of the classifier", RIGHT[:4], None, accuracy[:4].mean(1)),
                Line("a half", RIGHT[:4], np.full(4, 0.5), dashed=True),
            ],
            "share of right labels (threshold 0.25)",
            "",
        ),
        definitions=["phi = 0.9, psi = 0.3: the threshold is 1/4, and there are p on both sides"],
    )


@cache
def _measured(seeds: int) -> tuple[np.ndarray, ...]:
    """Of each setting and seed [G, S]: share right among those kept, coefficient of x_1, accuracy."""
    truth = jnp.zeros(D).at[0].set(1.0)

    def right(x: jax.Array) -> jax.Array:
        return jnp.sign(x[:, 0]) == x[:, D]

    def build(key: jax.Array, setting: dict[str, jax.Array]) -> Loop:
        design = jax.random.normal(key, (N, D), float)

        def noisy(key: jax.Array, state: object, cond: jax.Array, n: int) -> Batch:
            flip = jnp.where(jax.random.uniform(key, (n,), float) < setting["right"], 1.0, -1.0)
            return labelled(cond, jnp.sign(cond @ truth) * flip)

        model = regression(D, 1.0, jnp.float64)._replace(sample=noisy)
        keep = verifier(right, setting["true"], setting["false"])
        return Loop(model, replace(), fixed(labelled(design, jnp.sign(design @ truth))), N, keep)

    def measure(result: Generation) -> dict[str, jax.Array]:
        weights = result.state.weights
        accuracy = 1 - jnp.arccos(weights[0] / jnp.sqrt(weights @ weights)) / jnp.pi
        kept = result.corrected
        share = jnp.ones(()) if kept is None else kept.weight @ right(kept.x).astype(float) / jnp.sum(kept.weight)
        return {"share": share, "slope": weights[0], "accuracy": accuracy}

    found = chains(build, {"right": RIGHT, "true": TRUE, "false": FALSE}, seeds, 1, measure)
    return found["share"][..., 1], found["slope"][..., 1], found["accuracy"][..., 1]


CLAIM = Claim(
    name="verifier_threshold",
    source=f"Feng et al., ICLR 2025 (arXiv 2406.07515), {RECALLED}; the threshold derived here",
    statement="Of labels right with probability p, a verifier that keeps right ones with probability phi and wrong "
    "ones with psi leaves p' = p phi / (p phi + (1 - p) psi) right; a linear classifier learns the right rule where "
    "p > 1 / (1 + phi / psi), and the opposite rule below.",
    check=check,
    slips=(
        Slip("p phi for p'", kept_right, lambda right, p, phi, psi: p * phi),
        Slip("phi and psi exchanged", kept_right, lambda right, p, phi, psi: right(p, psi, phi)),
        Slip("2 p' for 2 p' - 1", coefficient, lambda right, share: right(share + 0.5)),
        Slip("(2 / pi)^(1/2) left out", coefficient, lambda right, share: 2 * share - 1),
        Slip("a half for the threshold", threshold, lambda right, phi, psi: 0.5 + 0 * phi),
        Slip("psi / phi for the threshold", threshold, lambda right, phi, psi: psi / phi),
    ),
)
