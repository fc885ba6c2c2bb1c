"""Whether fit, sample and log_prob of a model are one model: what a certificate takes for granted, looked at.

A certificate is computed from log_prob. It says nothing of a loop whose fit does not maximise that, or whose samples
are of another law. For any smooth density, at every theta, with s the score (Bartlett 1953):

    E s = 0                 under the law that the samples are of, if it is that of log_prob
    E s s^T = -E Hess       if derivatives may be taken under the integral

Letters: P coordinates, N samples.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, look
from selfloop.errors import ConfigError
from selfloop.protocols import Model
from selfloop.stability.curvature import columns, coordinates, fisher, optimum, scores
from selfloop.stability.quadrature import expect

SAMPLES = 4000
"""Samples of the model that are looked at."""
SURE = 6.0
"""Standard errors by which the mean of a standardised score is surely not 0, for some hundreds of parameters."""
SMOOTH = 0.02
"""How far E s s^T + E Hess may be from 0, in units of E s s^T, where a quadrature has both; for samples: 0.5."""
NEAR = 0.02
"""How far a fit may be from the optimum: in units of what one point tells, sqrt(d^T H d)."""


def shapes(model: Model, state: Any, data: Batch) -> None:
    """ConfigError where log_prob does not give one real number a sample, or the state has no real number."""
    if not any(jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.floating) for leaf in jax.tree.leaves(state)):
        raise ConfigError(f"the state is {look(state)}: it has no real numbers, and so nothing to take derivatives by")
    try:
        found = jax.eval_shape(model.log_prob, state, data.x)
    except (TypeError, ValueError, IndexError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"log_prob cannot be computed of data {look(data.x)} ({reason}); points are [N, d] of real numbers, "
            "whole numbers [N] are labels"
        ) from error
    if getattr(found, "shape", None) != (data.capacity,):
        raise ConfigError(
            f"log_prob returned {look(found)} for data {look(data.x)}; it returns [{data.capacity}], one real number a "
            "sample (points are [N, d]; whole numbers [N] are labels)"
        )


def density(model: Model, state: Any, law: Batch) -> None:
    """ConfigError where derivatives of log_prob are not those of its mean, by a quadrature of its own law."""
    second = fisher(model, state, law)
    mean, hessian = _mean_derivatives(model, state, law)
    _mean_is_zero(mean, second)
    _smooth(second, hessian, SMOOTH)


def sampler(model: Model, state: Any, own: Batch, data: Batch, law: Batch | None) -> None:
    """ConfigError where samples of a state are not of the law that log_prob gives it, as far as 4,000 of them tell."""
    both = np.asarray(scores(model, state, together(data, own)))
    seen, found = both[: data.capacity], both[data.capacity :]
    if not np.isfinite(found).all():
        bad = int((~np.isfinite(found).all(1)).sum())
        raise ConfigError(
            f"log_prob has no finite derivative at {bad} of {len(found)} samples of the model itself: sample draws "
            "outside the support of log_prob"
        )
    second = found.T @ found / len(found)
    weight = np.asarray(data.weight / jnp.sum(data.weight))
    unit = _inverse_root((second + (seen * weight[:, None]).T @ seen) / 2)
    z = np.abs(unit @ found.mean(0)).max() * len(found) ** 0.5
    if z > SURE:
        _apart(f"the mean score over {len(found)} samples is {z:.3g} standard errors from 0, where it is 0")
    if law is None:  # only now: samples of another law have another second moment too
        _smooth(second, _mean_derivatives(model, state, own)[1], 0.5)
    else:
        _entropies(model, state, own, law)


def _entropies(model: Model, state: Any, own: Batch, law: Batch) -> None:
    logs = np.asarray(model.log_prob(state, own.x))
    known = float(expect(law, lambda x: model.log_prob(state, x)))
    if abs(logs.mean() - known) / (logs.std() / len(logs) ** 0.5 + 1e-9) > SURE:
        _apart(f"the mean of log_prob over {len(logs)} samples is {logs.mean():.4g}, and under its own law {known:.4g}")


def together(data: Batch, own: Batch) -> Batch:
    """Data and samples of the model, one after the other."""
    return Batch(jax.tree.map(lambda a, b: jnp.concatenate([a, b]), data.x, own.x),
                 jnp.concatenate([data.weight, own.weight]))  # fmt: skip


def fitted(
    model: Model, refit: Callable[[Batch], Any], start: Any, star: Any, data: Batch, h: Array
) -> tuple[str, ...]:
    """What must be said where fit does not maximise the mean of log_prob: of the data, and of three quarters of them.

    The quarter is that of the highest score along a random direction, so that a fit that is drawn to some fixed place
    is seen even where that is the optimum of the data. ``refit(batch)`` is the state in float64.
    """
    away = distance(model, start, star, h)
    if not away <= NEAR:
        return (_drawn(away, "the data"),)
    along = np.asarray(scores(model, star, data)) @ np.random.default_rng(1).normal(size=h.shape[0])
    weight = np.asarray(data.weight)
    present = np.sort(along[weight > 0])
    fewer = data._replace(weight=jnp.asarray(np.where(along > present[int(0.75 * (len(present) - 1))], 0, weight)))
    if int((fewer.weight > 0).sum()) < 2 * h.shape[0] + 2:
        return ()
    again = refit(fewer)
    away = distance(model, again, optimum(model, again, fewer), h)
    # Where the fewer data determine no optimum nothing is learnt of the fit.
    return (_drawn(away, "three quarters of the data"),) if NEAR < away < np.inf else ()


def distance(model: Model, one: Any, other: Any, h: Array) -> float:
    """``sqrt(d^T H d)``, d the difference of two states in the model's coordinates; infinite where one is not known."""
    chart = coordinates(model, other)
    gap = chart.theta(one) - chart.theta(other)
    away = float(jnp.sqrt(jnp.maximum(gap @ h @ gap, 0)))
    return away if np.isfinite(away) else np.inf


def _drawn(away: float, of: str) -> str:
    return (
        f"fit does not maximise log_prob: on {of} it ends {away:.2g} standard deviations of one point away from the "
        "optimum (a penalty, a prior, too few steps?); all figures are of a loop that refits to the optimum"
    )


def _mean_is_zero(mean: Array, second: Array) -> None:
    away = float(np.abs(_inverse_root(np.asarray(second)) @ np.asarray(mean)).max())
    if away > SMOOTH:
        raise ConfigError(
            f"under its own density the mean score of log_prob is {away:.2g} standard deviations from 0: the support "
            "moves with the parameters, or part of the normaliser is hidden from derivatives (stop_gradient)"
        )


def _smooth(second: Any, hessian: Any, most: float) -> None:
    second, hessian = np.asarray(second), np.asarray(hessian)
    unit = _inverse_root(second)
    gap = unit @ (second + hessian) @ unit.T
    worst = int(np.argmax(np.abs(np.diag(gap))))
    if np.abs(np.diag(gap)).max() > most:
        score, bend = float(second[worst, worst]), -float(hessian[worst, worst])
        raise ConfigError(
            f"the curvature that derivatives see of log_prob is not that of its mean: along coordinate {worst} the "
            f"score's variance is {score:.3g} and the mean of -Hess {bend:.3g}, which are the same where log_prob is "
            "smooth; a kink (|x - mu|, clip, where) has no second derivative: take a smooth log density"
        )


def _apart(told: str) -> None:
    raise ConfigError(
        f"sample and log_prob are not one model: {told} (a temperature, guidance, a wrong scale?); give the log "
        "density that is sampled, or its samples the law of log_prob"
    )


@partial(jax.jit, static_argnums=0)
def _mean_derivatives(model: Model, state: Any, law: Batch) -> tuple[Array, Array]:
    """The gradient [P] and the Hessian [P, P] of the mean of log_prob."""
    chart = coordinates(model, state)
    theta = chart.theta(state)
    mean = jax.grad(lambda t: expect(law, lambda x: model.log_prob(chart.state(t), x)))
    return mean(theta), columns(mean, theta)


def _inverse_root(matrix: np.ndarray) -> np.ndarray:
    """A square root of the inverse, of a matrix that may be next to singular: 1e-3 of each diagonal entry is added."""
    ridge = np.diag(1e-3 * np.diag(matrix) + np.finfo(float).tiny)
    return np.linalg.inv(np.linalg.cholesky(matrix + ridge))
