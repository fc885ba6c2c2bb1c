"""A model's own law at theta*: its fits and samples in its own precision, its Fisher information by the sharpest means.

An exponential family needs none; else a quadrature that holds the model's whole mass; else 20,000 samples.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.errors import ConfigError
from selfloop.loop import conditions
from selfloop.metrics.estimates import Estimate
from selfloop.protocols import Model
from selfloop.stability import consistency, domain, estimated, exponential_form, jacobian
from selfloop.stability.curvature import Curvature, curvature, fisher


class Asked(NamedTuple):
    """The model's own fits and samples, in its own precision."""

    model: Model
    fit_key: Array
    own_key: Array

    def fit(self, data: Batch) -> Any:
        """The model's fit."""
        first, second = jax.random.split(self.fit_key)
        blank = self.model.init(first)
        dtypes = [leaf.dtype for leaf in jax.tree.leaves(blank) if jnp.issubdtype(leaf.dtype, jnp.floating)]
        return self.model.fit(second, cast(data, dtypes[0] if dtypes else np.float64), blank)[0]

    def refit(self, data: Batch) -> Any:
        """The same in float64."""
        return cast(self.fit(data), np.float64)

    def sampler(self, like: Any, star: Any, data: Batch) -> Callable[[int], Batch]:
        """Draws of a state, of the dtypes of another, under the data's conditions."""
        state = jax.tree.map(lambda new, old: jnp.asarray(new).astype(jnp.asarray(old).dtype), star, like)

        def sample(size: int) -> Batch:
            draw, choose = jax.random.split(jax.random.fold_in(self.own_key, size))
            return cast(self.model.sample(draw, state, conditions(choose, data, size), size), np.float64)

        return sample


def one_model(asked: Asked, start: Any, data: Batch, law: Batch | None, own: Batch | None, at: Any = None) -> None:
    """ConfigError where log_prob is no smooth density, or the samples are not of it; not where ``own`` is given."""
    if own is not None:
        return
    state = cast(start, np.float64) if at is None else at
    if law is not None:
        consistency.density(asked.model, state, law)
    own_samples = asked.sampler(start, state, data)(consistency.SAMPLES)
    consistency.sampler(asked.model, state, own_samples, data, law)


class OwnLaw:
    """The model's own law at theta*, as far as it is needed, and the curvature by it."""

    def __init__(self, model: Model, star: Any, data: Batch, own: Batch | None, sample: Callable[[int], Batch]):
        self.model: Model = model
        self.star: Any = star
        self.sample: Callable[[int], Batch] = sample
        self.nodes: Batch | None = cast(own, np.float64) if own is not None else domain.quadrature(model, star, data)
        c = curvature(model, star, data, data)
        _identifiable(c)
        self.closed: bool = own is None and self._closed(data, c)
        if not self.closed:
            self.drawn: Batch = sample(estimated.BLOCKS * estimated.BLOCK) if self.nodes is None else self.nodes
        self.curvature: Curvature = c._replace(F=c.H if self.closed else fisher(model, star, self.drawn))

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


def cast(tree: Any, dtype: Any) -> Any:
    """The tree with its real numbers in another precision; integers and keys as they are."""

    def leaf(x: Any) -> Array:
        x = jnp.asarray(x)
        return x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x

    return jax.tree.map(leaf, tree)
