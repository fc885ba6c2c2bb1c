"""Detector of synthetic text: two n-grams, one of real and one of synthetic documents, and a logistic calibration.

    llr(x) = log p_real(x) - log p_synthetic(x),    p(synthetic | x) = sigmoid(a - b llr(x) - c llr(x) / length)

By Neyman and Pearson's lemma no test is better than the likelihood ratio of the true laws; here both are fitted.
Weights (1 - p) / p are the density ratio of real to synthetic text, which would undo what the model got wrong.
Shapes: N documents, T tokens.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata

from selfloop.batch import Batch, uniform
from selfloop.domains.language import ngram as ngrams
from selfloop.domains.language.alphabet import Alphabet
from selfloop.domains.language.correctors.outcome import outcome
from selfloop.domains.language.ngram import Counts, NgramConfig
from selfloop.protocols import Corrector

LARGEST = 20.0
"""The largest weight before weights are scaled to keep their sum."""


class Detector(NamedTuple):
    """A trained detector."""

    real: Counts
    synthetic: Counts
    logit: np.ndarray
    """Constant, and factors of llr and llr / length [3]."""
    auc: float
    """The chance that a synthetic document it was not trained on gets a higher p than such a real one."""


def train(config: NgramConfig, real: Array, synthetic: Array) -> Detector:
    """A detector of these documents: n-grams on the first halves, calibration and AUC on the second."""
    halves = [(x[: len(x) // 2], x[len(x) // 2 :]) for x in (real, synthetic)]
    tables = [_fitted(config, first) for first, _ in halves]
    found = [features(config, *tables, second) for _, second in halves]
    logit = _logistic(np.concatenate(found), np.repeat([0.0, 1.0], [len(one) for one in found]))
    return Detector(*tables, logit, auc(found[1] @ logit, found[0] @ logit))


def probability(config: NgramConfig, detector: Detector, tokens: Array) -> np.ndarray:
    """The probability [N] that documents are synthetic, where real and synthetic are equally many."""
    return expit(features(config, detector.real, detector.synthetic, tokens) @ detector.logit)


def features(config: NgramConfig, real: Counts, synthetic: Counts, tokens: Array) -> np.ndarray:
    """1, llr and llr / length [N, 3] (llr over a hundred, so that all have a like size)."""
    llr = np.asarray(_log_prob(config, real, tokens) - _log_prob(config, synthetic, tokens), np.float64)
    return np.stack([np.ones(len(llr)), llr / 100, llr / np.asarray(ngrams.counted(tokens).sum(1))], 1)


def auc(high: np.ndarray, low: np.ndarray) -> float:
    """The area under the ROC curve: the share of pairs in which the score of ``high`` exceeds that of ``low``."""
    ranks = rankdata(np.concatenate([high, low]))[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))


def frozen(known: Alphabet, config: NgramConfig, synthetic: Array, real: Array) -> Corrector:
    """Weights by a detector trained once, on samples of generation 0; ``auc`` is that on the samples at hand."""
    detector = train(config, real, synthetic)
    unseen = features(config, detector.real, detector.synthetic, real[len(real) // 2 :]) @ detector.logit

    def weigh(tokens: Array) -> tuple[np.ndarray, float]:
        score = features(config, detector.real, detector.synthetic, tokens) @ detector.logit
        return expit(score), auc(score, unseen)

    return _weighing(known, weigh)


def online(known: Alphabet, config: NgramConfig, real: Array) -> Corrector:
    """Weights by a detector trained on the samples themselves: each half by that of the other half."""

    def weigh(tokens: Array) -> tuple[np.ndarray, float]:
        half = len(tokens) // 2
        p, areas = np.zeros(len(tokens)), []
        for own, other in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
            detector = train(config, real, tokens[other])
            p[own] = probability(config, detector, tokens[own])
            areas.append(detector.auc)
        return p, float(np.mean(areas))

    return _weighing(known, weigh)


def _weighing(known: Alphabet, weigh: Callable[[Array], tuple[np.ndarray, float]]) -> Corrector:
    """Weights (1 - p) / p, up to `LARGEST`, scaled so that they keep their sum; ``auc`` and ``effective`` share."""

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        present = np.asarray(batch.weight) > 0
        p, area = np.full(len(present), 0.5), 0.5
        if present.sum() > 3:
            p[present], area = weigh(batch.x[np.flatnonzero(present)])
        weight = np.asarray(batch.weight) * np.minimum((1 - p) / np.maximum(p, 1e-9), LARGEST)
        share = weight.sum() ** 2 / max((weight**2).sum() * present.sum(), 1e-30)
        weight = weight * np.asarray(batch.weight).sum() / max(weight.sum(), 1e-30)
        told = {"auc": np.full(len(p), area), "effective": np.full(len(p), share)}
        return outcome(known, batch, batch.x, weight, **told)

    return correct


def _logistic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Logistic regression with a slight ridge [3]."""

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ w
        value = np.logaddexp(0, z) - y * z
        return value.mean() + 1e-4 * w @ w, x.T @ (expit(z) - y) / len(y) + 2e-4 * w

    return minimize(loss, np.zeros(x.shape[1]), jac=True).x


@partial(jax.jit, static_argnums=0)
def _fitted(config: NgramConfig, tokens: Array) -> Counts:
    return ngrams.ngram(config).fit(jax.random.key(0), uniform(tokens), None)[0]


_log_prob = jax.jit(ngrams.log_prob, static_argnums=0)
