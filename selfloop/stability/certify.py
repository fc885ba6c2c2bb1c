"""`certify`: how much synthetic data a model can take, with a corrector of some strength, by every known bound.

Letters: n real points, m synthetic, P coordinates.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike

from selfloop.batch import Batch, finite, uniform
from selfloop.correctors.strength import strength
from selfloop.errors import ConfigError
from selfloop.loop import conditions
from selfloop.metrics.estimates import Estimate
from selfloop.policies import synthetic_count
from selfloop.protocols import Model
from selfloop.stability import consistency, domain, estimated, exponential_form, jacobian, rates, sandwich
from selfloop.stability import constants as known
from selfloop.stability.certificate import Certificate, FourRates
from selfloop.stability.curvature import Curvature, coordinates, curvature, fisher, optimum


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
        asked = _Asked(model, *jax.random.split(jax.random.key(0) if key is None else key))
        start = asked.fit(data) if state is None else state
        data = _cast(data, np.float64)
        _sound(model, start)
        consistency.shapes(model, _cast(start, np.float64), data)
        if state is None:  # a start that was given may be far from the data, and from their quadrature
            _one_model(asked, start, data, domain.quadrature(model, _cast(start, np.float64), data), own)
        star = _optimum(model, start, data, n)
        sample = asked.sampler(start, star, data)
        law = _Law(model, star, data, own, sample)
        if state is not None:
            _one_model(asked, start, data, law.nodes, own, star)
        c = law.curvature
        constants, notes = _constants(model, star, data, law)
        most, estimates = law.largest(float(1 + known.eta(constants)))
        doubts = (
            ()
            if state is not None
            else consistency.fitted(model, asked.refit, _cast(start, np.float64), star, data, c.H)
        )
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


class _Asked(NamedTuple):
    """The model's own fits and samples, in its own precision."""

    model: Model
    fit_key: Array
    own_key: Array

    def fit(self, data: Batch) -> Any:
        """The model's fit."""
        first, second = jax.random.split(self.fit_key)
        blank = self.model.init(first)
        dtypes = [leaf.dtype for leaf in jax.tree.leaves(blank) if jnp.issubdtype(leaf.dtype, jnp.floating)]
        return self.model.fit(second, _cast(data, dtypes[0] if dtypes else np.float64), blank)[0]

    def refit(self, data: Batch) -> Any:
        """The same in float64."""
        return _cast(self.fit(data), np.float64)

    def sampler(self, like: Any, star: Any, data: Batch) -> Callable[[int], Batch]:
        """Draws of a state, of the dtypes of another, under the data's conditions."""
        state = jax.tree.map(lambda new, old: jnp.asarray(new).astype(jnp.asarray(old).dtype), star, like)

        def sample(size: int) -> Batch:
            draw, choose = jax.random.split(jax.random.fold_in(self.own_key, size))
            return _cast(self.model.sample(draw, state, conditions(choose, data, size), size), np.float64)

        return sample


def _one_model(asked: _Asked, start: Any, data: Batch, law: Batch | None, own: Batch | None, at: Any = None) -> None:
    """ConfigError where log_prob is no smooth density, or the samples are not of it; not where ``own`` is given."""
    if own is not None:
        return
    state = _cast(start, np.float64) if at is None else at
    if law is not None:
        consistency.density(asked.model, state, law)
    own_samples = asked.sampler(start, state, data)(consistency.SAMPLES)
    consistency.sampler(asked.model, state, own_samples, data, law)


class _Law:
    """The model's own law at theta*, as far as it is needed, and the curvature by it."""

    def __init__(self, model: Model, star: Any, data: Batch, own: Batch | None, sample: Callable[[int], Batch]):
        self.model, self.star, self.sample = model, star, sample
        self.nodes = _cast(own, np.float64) if own is not None else domain.quadrature(model, star, data)
        c = curvature(model, star, data, data)
        _identifiable(c)
        self.closed = own is None and self._closed(data, c)
        if not self.closed:
            self.drawn = sample(estimated.BLOCKS * estimated.BLOCK) if self.nodes is None else self.nodes
        self.curvature = c._replace(F=c.H if self.closed else fisher(model, star, self.drawn))

    def _closed(self, data: Batch, c: Curvature) -> bool:
        """Whether the family is exponential, by data and as many samples."""
        points = consistency.together(data, self.sample(consistency.SAMPLES))
        scale = np.linalg.inv(np.linalg.cholesky(np.asarray(c.H))).T
        return exponential_form.affine(self.model, self.star, points, scale)

    def largest(self, cap: float) -> tuple[Estimate, tuple[str, ...]]:
        """The largest m, and how it was found."""
        if self.closed:
            return Estimate(1.0, 1.0, 1.0), ()
        if self.nodes is not None:
            return Estimate(*[float(jacobian.spectrum(self.curvature)[-1])] * 3), ()
        found = estimated.largest(self.model, self.star, self.drawn, self.curvature, cap)
        return found, (f"no quadrature holds the model's law: {self.drawn.capacity} samples estimate the exact rate",)


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


def _cast(tree: Any, dtype: Any) -> Any:
    """The tree with its real numbers in another precision; integers and keys as they are."""

    def leaf(x: Any) -> Array:
        x = jnp.asarray(x)
        return x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x

    return jax.tree.map(leaf, tree)


def _optimum(model: Model, start: Any, data: Batch, n: int) -> Any:
    """theta* as a state in float64; refused where it is degenerate, or has more parameters than there are points."""
    start = _cast(start, np.float64)
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


def _constants(model: Model, star: Any, data: Batch, law: _Law) -> tuple[known.Constants, tuple[str, ...]]:
    """alpha, L over the model's support, eps; and what must be said of them."""
    x = data.x
    line = jnp.issubdtype(x.dtype, jnp.floating) and x.shape[1] == 1
    ends = domain.support(model, star, data) if line and data.cond is None else (-np.inf, np.inf)
    slope, notes = _slope(model, star, data, ends, law.curvature)
    eps, doubt = _misfit(data, law, line)
    return known.Constants(float(known.alpha(law.curvature)), slope, eps), (*notes, *doubt)


def _slope(
    model: Model, star: Any, data: Batch, ends: tuple[float, float], c: Curvature
) -> tuple[float, tuple[str, ...]]:
    """L, infinite where it goes on growing with the reach of the points that it is taken over."""
    points = domain.reach(data, ends)
    near = float(known.lipschitz(model, star, points.near))
    size = 1.0 if points.near.ndim == 1 else float(jnp.max(jnp.max(points.near, 0) - jnp.min(points.near, 0)))
    if near * size <= 1e-9 * float(jnp.max(jnp.abs(c.H))):
        return 0.0, ()
    found = [near, *(float(known.lipschitz(model, star, level)) for level in points.levels)]
    found = [one for one in found if np.isfinite(one)]
    half = max(found[: len(found) // 2 + 1])
    if max(found) > 1.05 * half:
        return np.inf, (f"L is infinite: over the range of the data it is {near:.3g}, and it grows with the reach "
                        "of x; the three bounds that use it promise nothing",)  # fmt: skip
    return max(found), ()


def _misfit(data: Batch, law: _Law, line: bool) -> tuple[float, tuple[str, ...]]:  # noqa: FBT001
    """eps, infinite where the model has no mean."""
    if law.nodes is not None and (line or data.x.ndim == 1):
        beyond = domain.tail(law.nodes) if line else 0.0
        if not np.isfinite(beyond):
            return np.inf, ("eps is infinite: the model's law has no mean",)
        return float(known.eps(data, law.nodes)) + beyond, ()
    own = law.sample(1000)
    far = np.sort(np.linalg.norm(np.asarray(own.x - jnp.median(own.x, 0)), axis=-1))[-50:]
    power = 1 / max(float(np.mean(np.log(far[1:] / far[0]))), 1e-12) if far[0] > 0 else np.inf
    if power < 1.25:  # Hill's estimate of the tail's power, with a standard error of a seventh of it
        return np.inf, (
            f"eps is infinite, as far as 1000 samples tell: the tail falls as x^-{power:.2g}, without a mean",
        )
    return float(known.eps(data, own)), ("eps is that of 1000 samples matched with the data, more than W1 of the laws",)


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
