"""The constants alpha, L and eps of a model and data, with what must be said of them: L and eps may be infinite.

alpha by `constants.alpha`; L over the model's support, ever further out; eps with what lies beyond the nodes.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch
from selfloop.protocols import Model
from selfloop.stability import constants as known
from selfloop.stability import domain
from selfloop.stability.curvature import Curvature
from selfloop.stability.own_law import OwnLaw


def constants_of(model: Model, star: Any, data: Batch, law: OwnLaw) -> tuple[known.Constants, tuple[str, ...]]:
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


def _misfit(data: Batch, law: OwnLaw, line: bool) -> tuple[float, tuple[str, ...]]:  # noqa: FBT001
    """eps, infinite where the model has no mean."""
    if law.nodes is not None and (line or data.x.ndim == 1):
        beyond = domain.tail(law.nodes) if line else 0.0
        if not np.isfinite(beyond):
            return np.inf, ("eps is infinite: the model's law has no mean",)
        return float(known.eps(data, law.nodes)) + beyond, ()
    own = law.sample(1000)
    x = np.asarray(own.x)
    far = np.sort(np.linalg.norm(x - np.median(x, 0), axis=-1))[-50:]
    power = 1 / max(float(np.mean(np.log(far[1:] / far[0]))), 1e-12) if far[0] > 0 else np.inf
    if power < 1.25:  # Hill's estimate of the tail's power, with a standard error of a seventh of it
        return np.inf, (
            f"eps is infinite, as far as 1000 samples tell: the tail falls as x^-{power:.2g}, without a mean",
        )
    return float(known.eps(data, own)), ("eps is that of 1000 samples matched with the data, more than W1 of the laws",)
