"""`certify`: how much synthetic data a model can take, with a corrector of some strength, by every known bound.

Letters: n real points, m synthetic, P coordinates.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike

from selfloop.batch import Batch, finite, uniform
from selfloop.correctors.strength import strength
from selfloop.errors import ConfigError
from selfloop.metrics.estimates import Estimate
from selfloop.policies import synthetic_count
from selfloop.protocols import Model
from selfloop.stability import consistency, domain, jacobian, rates, sandwich
from selfloop.stability import constants as known
from selfloop.stability.certificate import Certificate, FourRates
from selfloop.stability.curvature import Curvature, coordinates, optimum
from selfloop.stability.measured import constants_of
from selfloop.stability.own_law import Asked, OwnLaw, cast, one_model


def certify(
    model: Model,
    data: Batch | ArrayLike,
    lam: float | None = None,
    gamma: float = 0.0,
    *,
    share: float | None = None,
    state: Any = None,
    own: Batch | None = None,
    n: int | None = None,
    wanted: float = 0.5,
    key: Array | None = None,
) -> Certificate:
    """What theory promises of a loop that retrains ``model`` on ``data`` and lam times as many corrected samples.

    The data stand for the population: theta* is the model's best fit to them. It works in float64, whatever the
    session has turned on; the model's own fit and samples are of the model's precision. Whether fit, sample and
    log_prob are of one model is looked at first (`consistency`). The result prints as a verdict and a table.

    Args:
        model: A model with a log density.
        data: The real points: [N, d], or labels [N], or a batch; a population law (`quadrature.weigh`) with ``n``.
        lam: Synthetic points per real one; what counts is m = floor(lam n).
        gamma: The corrector's strength, 0 (none) to infinity.
        share: In place of lam: the share of the training set that is synthetic, below 1; lam = share / (1 - share).
        state: Where the search for theta* starts; None: at the model's fit to the data.
        own: The law of the model at theta*; None: of an exponential family nothing is needed; else a quadrature where
            one holds the model's whole mass, and 20,000 of the model's samples where none does, which makes the exact
            rate an estimate with an interval (`estimated`).
        n: The number of real points; None: that of the data. Needed where the data's weights differ.
        wanted: The rate, above 0 and at most 1, for which the smallest gamma is told.
        key: Random numbers for the fit and for samples; None: key 0.

    Raises:
        ConfigError: For a model without log density; gamma, lam, share or wanted out of range, lam n below one point;
            fewer points than parameters; a degenerate fit (`Model.check`); a singular H, where theta* is not
            identifiable; a log_prob without its normaliser, with a kink, of a wrong shape, or of another law than
            sample draws from.
        DataError: For NaN or infinite data.
    """
    lam = _ratio(lam, share)
    _allowed(model, gamma, wanted)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):  # noqa: FBT003
        data = finite(_points(data))
        n = _count(data) if n is None else n
        m = synthetic_count(lam, n)
        asked = Asked(model, *jax.random.split(jax.random.key(0) if key is None else key))
        start = asked.fit(data) if state is None else state
        data = cast(data, np.float64)
        _sound(model, start)
        consistency.shapes(model, cast(start, np.float64), data)
        if state is None:  # a start that was given may be far from the data, and from their quadrature
            one_model(asked, start, data, domain.quadrature(model, cast(start, np.float64), data), own)
        star = _optimum(model, start, data, n)
        sample = asked.sampler(start, star, data)
        law = OwnLaw(model, star, data, own, sample)
        if state is not None:
            one_model(asked, start, data, law.nodes, own, star)
        c = law.curvature
        constants, notes = constants_of(model, star, data, law)
        most, estimates = law.largest(float(1 + known.eta(constants)))
        doubts = ()
        if state is None:
            doubts = consistency.fitted(model, asked.refit, cast(start, np.float64), star, data, c.H)
        follows = jax.tree.map(_plain, _numbers(c, constants, m / n, float(gamma), wanted, n, most.value))
    settings = {"lam": m / n, "gamma": float(gamma), "n": n, "m": m, "wanted": wanted}
    interval = Estimate(*(float(rates.exact(m / n, gamma, one)) for one in most))
    found = Certificate(**settings, **follows, interval=interval, constants=constants, state=star,
                        notes=(*notes, *estimates), doubts=doubts)  # fmt: skip
    return _known(found)


def _ratio(lam: float | None, share: float | None) -> float:
    if (lam is None) == (share is None):
        raise ConfigError(
            "give lam (synthetic points per real one) or share (of the training set that is synthetic), "
            + ("not both" if share is not None else "one of them")
        )
    if share is None:
        return lam
    if not 0 <= share < 1:
        raise ConfigError(f"share is {share}; the synthetic share of a training set is 0 or more, and below 1")
    return share / (1 - share)


def _allowed(model: Model, gamma: float, wanted: float) -> None:
    strength(gamma)
    if not 0 < wanted <= 1:
        raise ConfigError(f"wanted is {wanted}; a wanted rate is above 0 and at most 1")
    if model.log_prob is None:
        raise ConfigError("the model has no log density (log_prob is None): there is nothing to take derivatives of")


@jax.jit
def _numbers(
    c: Curvature, constants: known.Constants, lam: float, gamma: float, wanted: float, n: int, most: float
) -> dict:
    """All that follows from the curvature, the constants and the largest m by formula."""
    eta, spectrum = known.eta(constants), jacobian.spectrum(c)
    spectrum = jnp.minimum(spectrum, most).at[-1].set(most)
    slopes = (most, eta, eta, eta)

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


def _points(data: Any) -> Batch:
    """A batch of points [N, d] or labels [N]; real numbers [N] are points on the line, whole ones labels.

    Whole numbers in columns are points of real numbers too.
    """
    if isinstance(data, Batch):
        whole = hasattr(data.x, "ndim") and data.x.ndim > 1 and not jnp.issubdtype(data.x.dtype, jnp.floating)
        return data._replace(x=data.x.astype(float)) if whole else data
    x = uniform(data).x
    if x.ndim == 1:
        return uniform(x[:, None] if jnp.issubdtype(x.dtype, jnp.floating) else x)
    return uniform(x.astype(float))


def _count(data: Batch) -> int:
    """The number of real points, where all weigh the same."""
    weights = np.asarray(data.weight)[np.asarray(data.weight) > 0]
    if not weights.size or np.ptp(weights) > 1e-6 * weights.max():
        raise ConfigError(
            f"the data's weights go from {weights.min(initial=np.inf):.3g} to {weights.max(initial=0):.3g}, which does "
            "not say how many real points they stand for: give n"
        )
    return weights.size


def _optimum(model: Model, start: Any, data: Batch, n: int) -> Any:
    """theta* as a state in float64; refused where it is degenerate, or has more parameters than there are points."""
    start = cast(start, np.float64)
    parameters = coordinates(model, start).theta(start).size
    if n < parameters:
        raise ConfigError(f"n is {n}; a model of {parameters} parameters needs {parameters} real points or more")
    star = optimum(model, start, data)
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(star)):
        raise ConfigError("the likelihood of the data has no finite optimum near the start: give another state")
    _sound(model, star)
    return star


def _sound(model: Model, state: Any) -> None:
    if model.check is not None:
        model.check(state)


def _known(found: Certificate) -> Certificate:
    """The certificate, or ConfigError where one of its numbers is NaN."""
    numbers = {"the rates": found.rate, "largest lambda": found.safe_lambda, "gamma": found.gamma_for,
               "the constants": found.constants, "the stationary error": (found.stationary, found.one_fit),
               "m": np.asarray(found.spectrum)}  # fmt: skip
    bad = [name for name, values in numbers.items() if np.isnan(np.asarray(values, float)).any()]
    if bad:
        raise ConfigError(
            f"{', '.join(bad)} cannot be computed (NaN): derivatives of log_prob are not finite at theta*, or the data "
            "determine too little; give other coordinates, or another state"
        )
    return found
