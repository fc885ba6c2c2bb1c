"""`certify`: how much synthetic data a model can take, with a corrector of some strength, by every known bound.

Letters: n real points, m synthetic, P coordinates.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, finite, take, uniform
from selfloop.correctors.strength import strength
from selfloop.errors import ConfigError
from selfloop.loop import conditions
from selfloop.policies import synthetic_count
from selfloop.protocols import Model
from selfloop.stability import constants as known
from selfloop.stability import domain, jacobian, rates, sandwich
from selfloop.stability.certificate import Certificate, FourRates
from selfloop.stability.curvature import Curvature, coordinates, curvature, fisher, optimum

BLOCKS, BLOCK = 20, 1000
"""Own samples, where no quadrature serves: so many blocks of so many."""


def certify(
    model: Model,
    data: Batch | Array,
    lam: float,
    gamma: float,
    *,
    state: Any = None,
    own: Batch | None = None,
    n: int | None = None,
    wanted: float = 0.5,
    key: Array | None = None,
) -> Certificate:
    """What theory promises of a loop that retrains ``model`` on ``data`` and lam times as many corrected samples.

    The data stand for the population: theta* is the model's best fit to them. It works in float64, whatever the
    session has turned on; the model's own fit and samples are of the model's precision. The result prints as a table.

    Args:
        model: A model with a log density.
        data: The real points: [N, d], or labels [N], or a batch; a population law (`quadrature.weigh`) with ``n``.
        lam: Synthetic points per real one; what counts is m = floor(lam n).
        gamma: The corrector's strength, 0 (none) to infinity.
        state: Where the search for theta* starts; None: at the model's fit to the data.
        own: The law of the model at theta*; None: a quadrature where one holds the model's whole mass, and 20,000 of
            the model's samples where none does, which gives the exact rate a standard error.
        n: The number of real points; None: that of the data. Needed where the data's weights differ.
        wanted: The rate, above 0 and at most 1, for which the smallest gamma is told.
        key: Random numbers for the fit and for samples; None: key 0.

    Raises:
        ConfigError: For a model without log density; gamma, lam or wanted out of range, lam n below one point; fewer
            points than parameters; a degenerate fit (`Model.check`); a singular H, where theta* is not identifiable.
        DataError: For NaN or infinite data.
    """
    _allowed(model, gamma, wanted)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):  # noqa: FBT003
        data = finite(data if isinstance(data, Batch) else uniform(_rows(data)))
        n = _count(data) if n is None else n
        m = synthetic_count(lam, n)
        fit_key, own_key = jax.random.split(jax.random.key(0) if key is None else key)
        start = _fit(model, fit_key, data) if state is None else state
        data = _cast(data, np.float64)
        star = _optimum(model, start, data, n)
        sample = _sampler(model, own_key, start, star, data)
        law = _cast(own, np.float64) if own is not None else domain.quadrature(model, star, data)
        sampled = law is None
        law = sample(BLOCKS * BLOCK) if sampled else law
        c = curvature(model, star, data, law)
        _identifiable(c)
        error = _standard_error(model, star, law, c, m / n, gamma) if sampled else 0.0
        constants, notes = _constants(model, star, data, law, c, sample)
        if sampled:
            notes = (*notes, f"no quadrature holds the model's law: {law.capacity} samples stand for it")
        follows = jax.tree.map(_plain, _numbers(c, constants, m / n, float(gamma), wanted, n))
    settings = {"lam": m / n, "gamma": float(gamma), "n": n, "m": m, "wanted": wanted}
    return Certificate(**settings, **follows, rate_error=error, constants=constants, state=star, notes=notes)


def _allowed(model: Model, gamma: float, wanted: float) -> None:
    strength(gamma)
    if not 0 < wanted <= 1:
        raise ConfigError(f"wanted is {wanted}; a wanted rate is above 0 and at most 1")
    if model.log_prob is None:
        raise ConfigError("the model has no log density (log_prob is None): there is nothing to take derivatives of")


def _sampler(model: Model, key: Array, start: Any, star: Any, data: Batch) -> Callable[[int], Batch]:
    """Draws of theta*, in the model's own precision, under the data's conditions."""
    state = jax.tree.map(lambda new, old: new.astype(old.dtype), star, start)

    def sample(size: int) -> Batch:
        draw, choose = jax.random.split(jax.random.fold_in(key, size))
        return _cast(model.sample(draw, state, conditions(choose, data, size), size), np.float64)

    return sample


@jax.jit
def _numbers(c: Curvature, constants: known.Constants, lam: float, gamma: float, wanted: float, n: int) -> dict:
    """All that follows from the curvature and the constants by formula."""
    eta, spectrum = known.eta(constants), jacobian.spectrum(c)
    slopes = (spectrum[-1], eta, eta, eta)

    def four(functions: tuple[Callable, ...], *first: float) -> FourRates:
        return FourRates(*(f(*first, slope) for f, slope in zip(functions, slopes, strict=True)))

    stationary = sandwich.stationary_covariance(c, lam, gamma, n)
    return {
        "rate": four((rates.exact, rates.sharper, rates.ferbach, rates.gillman), lam, gamma),
        "safe_lambda": four(
            (rates.safe_lambda_exact, rates.safe_lambda_sharper, rates.safe_lambda_ferbach, rates.safe_lambda_gillman),
            gamma,
        ),
        "gamma_for": four(
            (rates.gamma_for_exact, rates.gamma_for_sharper, rates.gamma_for_ferbach, rates.gamma_for_gillman),
            wanted,
            lam,
        ),
        "eta": eta,
        "spectrum": spectrum,
        "stationary": sandwich.excess_divergence(c, stationary),
        "one_fit": sandwich.excess_divergence(c, sandwich.one_fit_covariance(c, n)),
    }


def _plain(x: Array) -> Any:
    """A scalar as Python's float, an array as it is."""
    return x if x.ndim else float(x)


def _rows(x: Any) -> Array:
    """Samples [N, d] of an array, whole numbers or not; real numbers [N] are points on the line, whole ones labels."""
    x = uniform(x).x
    if x.ndim == 1:
        return x[:, None] if jnp.issubdtype(x.dtype, jnp.floating) else x
    return x.astype(float)


def _count(data: Batch) -> int:
    """The number of real points, where all weigh the same."""
    weights = np.asarray(data.weight)[np.asarray(data.weight) > 0]
    if not weights.size or np.ptp(weights) > 1e-6 * weights.max():
        raise ConfigError(
            f"the data's weights go from {weights.min(initial=np.inf):.3g} to {weights.max(initial=0):.3g}, which does "
            "not say how many real points they stand for: give n"
        )
    return weights.size


def _cast(tree: Any, dtype: Any) -> Any:
    """The tree with its real numbers in another precision; integers and keys as they are."""

    def leaf(x: Any) -> Array:
        x = jnp.asarray(x)
        return x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x

    return jax.tree.map(leaf, tree)


def _fit(model: Model, key: Array, data: Batch) -> Any:
    """The model's own fit, in its own precision."""
    first, second = jax.random.split(key)
    blank = model.init(first)
    dtypes = [leaf.dtype for leaf in jax.tree.leaves(blank) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return model.fit(second, _cast(data, dtypes[0] if dtypes else np.float64), blank)[0]


def _optimum(model: Model, start: Any, data: Batch, n: int) -> Any:
    """theta* as a state in float64; refused where it is degenerate, or has more parameters than there are points."""
    check = model.check or (lambda state: None)
    check(start)
    start = _cast(start, np.float64)
    parameters = coordinates(model, start).theta(start).size
    if n < parameters:
        raise ConfigError(f"n is {n}; a model of {parameters} parameters needs {parameters} real points or more")
    star = optimum(model, start, data)
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(star)):
        raise ConfigError("the likelihood of the data has no finite optimum near the start: give another state")
    check(star)
    return star


def _identifiable(c: Curvature) -> None:
    """ConfigError where H is not positive definite, in whatever units the parameters have."""
    h = np.asarray(c.H)
    unit = np.sqrt(np.abs(np.diag(h)) + np.finfo(float).tiny)
    values, vectors = np.linalg.eigh(h / unit[:, None] / unit)
    if not (values[0] > 1e-8 and (np.diag(h) > 0).all()):
        direction = ", ".join(f"{x:.2g}" for x in vectors[:, 0] / unit / np.abs(vectors[:, 0] / unit).max())
        raise ConfigError(
            f"theta* is not identifiable: the curvature H of the likelihood is singular, its eigenvalues (each "
            f"parameter in its own unit) go from {values[0]:.2g} to {values[-1]:.2g}; the data say nothing along theta "
            f"= [{direction}]: take a model or coordinates without that freedom"
        )


def _standard_error(model: Model, star: Any, law: Batch, c: Curvature, lam: float, gamma: float) -> float:
    """The jackknife's standard error of the exact rate, over blocks of own samples."""
    fishers = [fisher(model, star, take(law, block)) for block in np.split(np.arange(law.capacity), BLOCKS)]
    left = [jacobian.spectrum(c._replace(F=(sum(fishers) - block) / (BLOCKS - 1)))[-1] for block in fishers]
    return float(np.std([rates.exact(lam, gamma, m) for m in left]) * (BLOCKS - 1) ** 0.5)


def _constants(
    model: Model, star: Any, data: Batch, law: Batch, c: Curvature, sample: Callable[[int], Batch]
) -> tuple[known.Constants, tuple[str, ...]]:
    """alpha, L over the data's own range, eps; and what must be said of them."""
    near, far = domain.span(data)
    slope, farther = (float(known.lipschitz(model, star, points)) for points in (near, far))
    notes = ["L is over the range of the data, at theta*"]
    reach = 1.0 if near.ndim == 1 else float(jnp.max(jnp.max(near, 0) - jnp.min(near, 0)))
    if slope * reach <= 1e-9 * float(jnp.max(jnp.abs(c.H))):
        slope, notes = 0.0, []
    elif farther > 1.01 * slope:
        notes[0] += (
            f"; over twice the range it is {farther:.3g}: where x is unbounded L may be infinite, and then the three "
            "bounds that use it hold for data of this range only"
        )
    plane = near.ndim == 2 and near.shape[1] > 1
    eps = known.eps(data, sample(1000)) if plane else known.eps(data, law)
    if plane and slope:
        notes.append("eps is that of 1000 samples matched with the data, more than W1 of the laws")
    return known.Constants(float(known.alpha(c)), slope, float(eps)), tuple(notes)
