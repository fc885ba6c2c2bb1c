"""A polluted web of text: families of n-grams publish beside humans, and their successors read what a crawler keeps.

Every step humans publish verses nobody has seen, each family publishes samples, and the next model of every family is
fitted to n documents that a crawler draws without replacement from the documents of the last steps, or of all. The
crawler does not know where a document is from; a detector flags some, with a rate of its own among synthetic and among
human ones. What is flagged is left out, or drawn less often, by Bayes' rule. Where fewer are left than n, there are
fewer: a filter may buy purity with volume.
Shapes: P documents of the pool, T tokens, K families.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.language import ngram as ngrams
from selfloop.domains.language.correctors import detector
from selfloop.domains.language.ngram import Counts, NgramConfig
from selfloop.errors import ConfigError
from selfloop.stability.pollution import human_probability

SAME = ((6, 1.0),)
"""A family: the order of its n-gram and its temperature."""


class Scenario(NamedTuple):
    """What publishes, and how it is crawled."""

    families: tuple[tuple[int, float], ...] = SAME
    share: float = 0.9
    """Of what is published, the synthetic part."""
    window: int | None = None
    """Steps that a crawler looks back on; None: all, and the text that was there before."""
    action: str = "none"
    """none; filter: flagged documents are left out; reweight: drawn by the probability that they are human."""
    tpr: float = 0.0
    """Flagged among synthetic documents."""
    fpr: float = 0.0
    """Flagged among human ones."""
    trained: bool = False
    """Whether a detector is trained on the fly, on a family's own samples, and flags at the rate ``fpr`` among human
    documents that it knows; ``tpr`` is then what it is."""
    published: int = 4000
    n: int = 5000


class Text(NamedTuple):
    """The documents of a web, int32 [., T]."""

    start: Array
    """On the web before there were models."""
    human: Array
    """Published later, in this order; from the first again where they run out."""
    heldout: Array


class Pool(NamedTuple):
    """All that has been published."""

    x: np.ndarray
    synthetic: np.ndarray
    step: np.ndarray


def check(one: Scenario) -> None:
    """ConfigError for a scenario that cannot be."""
    if one.action not in ("none", "filter", "reweight"):
        raise ConfigError(f"the action is {one.action}; choose one of none, filter, reweight")
    for name in ("share", "tpr", "fpr"):
        if not 0 <= getattr(one, name) <= 1:
            raise ConfigError(f"{name} is {getattr(one, name)}; give 0 to 1")
    if one.window is not None and one.window < 1:
        raise ConfigError(f"the window is {one.window}; give 1 step or more, or None for all")
    if not one.families:
        raise ConfigError("there is no family; give one or more")


def web(seed: int, text: Text, sizes: NgramConfig, one: Scenario, steps: int) -> Iterator[dict[str, float]]:
    """A row for every step from 0: ``bits`` a character of held-out text, the mean over families; among the kept the
    ``synthetic_kept`` share and the number ``human_kept`` of different human documents; the rates of flagging found.
    """
    check(one)
    rng, key = np.random.default_rng(seed), jax.random.key(seed)
    pool = Pool(np.asarray(text.start), np.zeros(len(text.start), bool), np.zeros(len(text.start), int))
    humans = round(one.published * (1 - one.share))
    models = [reader(sizes, order, pool.x, rng.permutation(len(pool.x))[: one.n], one.n) for order, _ in one.families]
    yield {"step": 0, "bits": _bits(sizes, models, text.heldout), "synthetic_kept": 0.0, "human_kept": len(pool.x)}
    for step in range(1, steps + 1):
        some = np.arange((step - 1) * humans, step * humans) % len(text.human)
        each, keys = (
            (one.published - humans) // len(models),
            jax.random.split(jax.random.fold_in(key, step), len(models)),
        )
        made = [
            np.asarray(write(k, sizes, model, each, temperature))
            for k, model, (_, temperature) in zip(keys, models, one.families, strict=True)
        ]
        pool = _grown(pool, np.asarray(text.human)[some], made, step)
        use = np.flatnonzero(pool.step > step - one.window) if one.window else np.arange(len(pool.x))
        flag = _flags(rng, one, sizes, text, pool, use, made[0])
        chance = _chances(one, flag, pool.synthetic[use])
        drawn = [use[_draw(rng, chance, one.n)] for _ in models]
        models = [reader(sizes, order, pool.x, at, one.n) for at, (order, _) in zip(drawn, one.families, strict=True)]
        truth = pool.synthetic[use]
        yield {
            "step": step,
            "bits": _bits(sizes, models, text.heldout),
            "synthetic_kept": float(np.mean([pool.synthetic[at].mean() for at in drawn])),
            "human_kept": float(np.mean([(~pool.synthetic[at]).sum() for at in drawn])),
            "read": float(np.mean([len(at) for at in drawn])),
            "tpr": float(flag[truth].mean()) if truth.any() else 0.0,
            "fpr": float(flag[~truth].mean()) if (~truth).any() else 0.0,
        }


def _grown(pool: Pool, human: np.ndarray, made: list[np.ndarray], step: int) -> Pool:
    new = np.concatenate([human, *made])
    synthetic = np.arange(len(new)) >= len(human)
    return Pool(*map(np.concatenate, zip(pool, (new, synthetic, np.full(len(new), step)), strict=True)))


def _flags(rng: Any, one: Scenario, sizes: NgramConfig, text: Text, pool: Pool, use: np.ndarray, own: Any) -> Any:
    """Which documents of the pool's part are flagged."""
    if not one.trained:
        return rng.random(len(use)) < np.where(pool.synthetic[use], one.tpr, one.fpr)
    shorter = replace(sizes, order=max(sizes.order - 1, 1))
    found = detector.train(shorter, text.start, jnp.asarray(own))
    known = detector.probability(shorter, found, text.start[len(text.start) // 2 :])
    return detector.probability(shorter, found, jnp.asarray(pool.x[use])) > np.quantile(known, 1 - one.fpr)


def _chances(one: Scenario, flag: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """The weight by which each document is drawn."""
    if one.action == "none":
        return np.ones(len(flag))
    if one.action == "filter":
        return (~flag).astype(float)
    tpr = float(flag[synthetic].mean()) if one.trained and synthetic.any() else one.tpr
    return human_probability(flag.astype(float), float(synthetic.mean()), tpr, max(one.fpr, 1e-6))


def _draw(rng: Any, weight: np.ndarray, n: int) -> np.ndarray:
    """At most n different places by weight (the largest of Gumbel + log weight), none of weight 0."""
    with np.errstate(divide="ignore"):
        score = np.log(weight) + rng.gumbel(size=len(weight))
    count = min(n, int((weight > 0).sum()))
    return np.argsort(-score)[:count]


def reader(sizes: NgramConfig, order: int, x: np.ndarray, at: np.ndarray, n: int) -> Counts:
    """A model of documents at these places, as one program for any number up to n."""
    rows = np.zeros((n, x.shape[1]), np.int32)
    rows[: len(at)] = x[at]
    return _fit(sizes, order, jnp.asarray(rows), jnp.asarray(np.arange(n) < len(at), jnp.float32))


@partial(jax.jit, static_argnums=(0, 1))
def _fit(sizes: NgramConfig, order: int, x: Array, weight: Array) -> Counts:
    return ngrams.shorter(ngrams.ngram(sizes).fit(jax.random.key(0), Batch(x, weight), None)[0], order)


write: Callable[..., Array] = jax.jit(ngrams.written, static_argnums=(1, 3, 4))
"""``write(key, sizes, state, n, temperature, bias=None)``: `ngram.written`, compiled."""


def _bits(sizes: NgramConfig, models: list[Counts], heldout: Array) -> float:
    return float(np.mean([bits(sizes, model, heldout) for model in models]))


def bits(sizes: NgramConfig, state: Counts, tokens: Array) -> float:
    """Bits a character of documents."""
    total, count = _each(sizes, state, tokens)
    return float(total.sum() / count.sum())


_each = jax.jit(ngrams.bits_per_token, static_argnums=0)
