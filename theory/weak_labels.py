"""A small share of right labels is enough, verified and renewed: errors fall by a constant factor a round."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import Batch
from selfloop.correctors.verifier import verifier
from selfloop.models.regression import RegressionState
from selfloop.protocols import Loop, Model
from selfloop.stability.weak import weak_accuracy, weak_rounds
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_most, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early
from theory.shared.chains import chains, half_width

QUESTIONS, ROUNDS = 160, 24
RIGHT = np.array([0.1, 0.1, 0.3, 0.1])
TRUE = np.array([1.0, 0.8, 0.8, 0.8])
FALSE = np.array([0.0, 0.0, 0.0, 0.1])
EPS = 0.2


def table() -> Model:
    """A table of answers: ``weights`` [Q] is how often each question is answered right; 0 before any lesson."""

    def fit(key: Array, batch: Batch, state: RegressionState) -> tuple[RegressionState, dict]:
        lessons = jnp.zeros(QUESTIONS).at[batch.cond].add(batch.weight)
        good = jnp.zeros(QUESTIONS).at[batch.cond].add(batch.weight * batch.x)
        return RegressionState(jnp.where(lessons > 0, good / jnp.maximum(lessons, 1), state.weights)), {}

    def sample(key: Array, state: RegressionState, cond: Array, n: int) -> Batch:
        return answers(key, state.weights[cond], cond)

    return Model(lambda key: RegressionState(jnp.zeros(QUESTIONS)), fit, sample)


def answers(key: Array, right: Array, cond: Array) -> Batch:
    """One answer (1: right) for each of the questions ``cond`` [N], right with the probabilities [N]."""
    x = (jax.random.uniform(key, cond.shape, jnp.float64) < right).astype(jnp.float64)
    return Batch(x, jnp.ones(cond.shape[0]), cond)


@cache
def measured(seeds: int) -> np.ndarray:
    """The share of right answers [G, S, T + 1]; generation 0 has had one lesson from outside."""

    def build(key: Array, setting: dict[str, Array]) -> Loop:
        keep = verifier(lambda x: x > 0.5, setting["true"], setting["false"])

        def weak(key: Array) -> Batch:
            of_label, of_verifier = jax.random.split(key)
            labels = answers(of_label, jnp.full(QUESTIONS, setting["right"]), jnp.arange(QUESTIONS))
            return keep(of_verifier, labels, None)[0]

        return Loop(table(), policies.augment(1.0), sources.fresh(weak), QUESTIONS, keep)

    settings = {"right": RIGHT, "true": TRUE, "false": FALSE}
    return chains(build, settings, seeds, ROUNDS, lambda result: result.state.weights.mean(), seed=44)


def linear(rate: float, rounds: int) -> np.ndarray:
    """The slip of adding up what one round teaches [T + 1]."""
    return np.minimum(rate * np.arange(rounds + 1), 1.0)


def check(effort: Effort) -> Finding:
    """160 questions, one outside label each a round; who verifies makes no, or some, mistakes."""
    found = 1 - measured(effort.seeds // 2)
    names = [f"right {b:g}, phi {p:g}, psi {q:g}" for b, p, q in zip(RIGHT, TRUE, FALSE, strict=True)]
    paths = [1 - np.asarray(weak_accuracy(*one, ROUNDS + 1))[1:] for one in zip(RIGHT, TRUE, FALSE, strict=True)]
    t, rate = np.arange(1, ROUNDS + 2), RIGHT * TRUE
    rounds = [min(int(weak_rounds(b, EPS, p)), ROUNDS - 1) for b, p in zip(RIGHT, TRUE, strict=True)]
    return Finding(
        hypotheses={"right labels are fewer than half, in every setting": bool((RIGHT < 0.5).all())},
        comparisons=[
            *(
                mean(f"{name}: error after {one} rounds", path[one - 1], error[:, one - 1])
                for name, path, error in zip(names, paths, found, strict=True)
                for one in (1, 2, 6, 12)
            ),
            *(
                mean(f"{names[i]}: error below {EPS:g} after {one} rounds", EPS, found[i][:, one - 1], relation)
                for i, margin in ((0, 2), (2, 1))
                for one, relation in ((rounds[i] + margin, "<="), (rounds[i] - 1 - margin, ">="))
            ),
            *(
                at_most(
                    f"{names[i]}: rounds beside 1 + log(1 / eps) / (beta phi)", 1 + np.log(1 / EPS) / rate[i], rounds[i]
                )
                for i in (0, 1, 2)
            ),
            *(
                identity(f"{names[i]}: the chain of three states", (1 - rate[i]) ** 9, paths[i][8], 1e-12)
                for i in (0, 1, 2)
            ),
        ],
        control=Control(
            "a near miss: a verifier that finds all right labels (phi left out)",
            mean(f"{names[1]}: error after 6 rounds", (1 - RIGHT[1]) ** 6, found[1][:, 5]),
        ),
        figure=lines(
            [
                Line(name, t, path, error.mean(0), half_width(error))
                for name, path, error in zip(names, paths, found, strict=True)
            ],
            "rounds",
            "share of wrong answers",
        ),
    )


CLAIM = Claim(
    name="weak_labels",
    source="arXiv 2502.08924 (O(log(1 / eps) / beta) rounds), as recalled; not re-read; the table of answers "
    "derived here",
    statement="Outside labels right with probability beta, new in every round, and a verifier that keeps right "
    "ones with probability phi: the error after t rounds is (1 - beta phi)^t, below eps after log(1 / "
    "eps) / (beta phi) rounds however small beta is. One that also keeps wrong ones (psi) leaves an "
    "error, by an exact chain of three states.",
    check=check,
    slips=(
        Slip("phi left out", weak_accuracy, lambda right, b, p, q, t: right(b, 1.0, q, t)),
        Slip("psi left out", weak_accuracy, lambda right, b, p, q, t: right(b, p, 0.0, t)),
        Slip("1 - beta phi t for (1 - beta phi)^t", weak_accuracy, lambda right, b, p, q, t: linear(b * p, t)),
        Slip("one round early", weak_accuracy, early),
        Slip("half the rounds", weak_rounds, lambda right, *args: right(*args) // 2),
        Slip("twice the rounds", weak_rounds, lambda right, *args: 2 * right(*args)),
    ),
)
