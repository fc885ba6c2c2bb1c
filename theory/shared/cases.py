"""Models and data that several claims share: well specified, misspecified, light-tailed and heavy-tailed.

D1 is 0.7 N(-0.5, 0.5^2) + 0.3 N(2, 1.2^2). Letters: P coordinates, G settings, T generations.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial, wraps
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax import Array

from selfloop.batch import Batch
from selfloop.models.gaussian import gaussian
from selfloop.models.mixture import mixture, mixture_locations
from selfloop.models.student import logistic, student
from selfloop.protocols import Coordinates, Model
from selfloop.stability import quadrature
from selfloop.stability.constants import Constants, alpha, eps, lipschitz
from selfloop.stability.curvature import Curvature, coordinates, curvature
from selfloop.stability.jacobian import spectrum
from theory.shared.population import normal_mixture, population, pull, trajectory, whole

GENERATIONS = 6
"""Of every decay."""
ROWS = 24


class Case(NamedTuple):
    """A model, a population of data, and the optimum theta* of one for the other."""

    model: Model
    nodes: Batch
    data: Batch
    star: Any
    own: Batch
    """p*, the law of theta*."""
    curvature: Curvature
    m: np.ndarray
    """Eigenvalues [P] of F v = m H v, ascending, by `stability.jacobian.spectrum`."""
    chart: Coordinates


def case(model: Model, nodes: Batch, data: Batch, star: Any = None) -> Case:
    """The case of a model and data; theta* is where the model's own fit comes to rest, unless it is given."""
    if star is None:
        fit, star = jax.jit(model.fit), model.init(jax.random.key(0))
        for _ in range(4):  # those that start from the state before them have their own number of steps
            star, _ = fit(jax.random.key(0), data, star)
    own = whole(quadrature.own(model, star, nodes))
    c = curvature(model, star, data, own)
    return Case(model, nodes, data, star, own, c, np.asarray(spectrum(c)), coordinates(model, star))


@cache
def nodes() -> Batch:
    """801 nodes that reach 6680 to each side, near 0 a distance of 0.024 apart."""
    return quadrature.line(801)


@cache
def near() -> Batch:
    """301 nodes that reach 16 to each side: enough where both laws are normal mixtures."""
    return quadrature.line(301, 3.5)


def skew() -> Batch:
    """D1."""
    return normal_mixture(nodes(), [0.7, 0.3], [-0.5, 2.0], [0.5, 1.2])


def two_humps() -> Batch:
    """Two equal normals of standard deviation 0.5, at -3 and 3."""
    return normal_mixture(nodes(), [0.5, 0.5], [-3.0, 3.0], [0.5, 0.5])


@cache
def gaussian_on_skew() -> Case:
    """A Gaussian (mean, log s) fitted to D1: misspecified, yet an exponential family."""
    return case(gaussian(1, jnp.float64), nodes(), skew())


@cache
def student5() -> Model:
    """Student's t with 5 degrees of freedom: (location, log scale)."""
    return student(5.0, jnp.float64)


@cache
def student_on_skew() -> Case:
    """`student5` fitted to D1."""
    return case(student5(), nodes(), skew())


@cache
def student_on_humps() -> Case:
    """`student5` fitted to two humps at -3 and 3."""
    return case(student5(), nodes(), two_humps())


@cache
def student_on_itself() -> Case:
    """`student5`, and data of its own law, location 0 and scale 1: well specified."""
    model = student5()
    return case(model, nodes(), whole(quadrature.own(model, model.init(jax.random.key(0)), nodes())))


@cache
def logistic_on_skew_normal() -> Case:
    """A logistic law fitted to the skew normal of slant 5."""
    data = whole(
        quadrature.weigh(nodes(), lambda x: (jax.scipy.stats.norm.logpdf(x) + jax.scipy.stats.norm.logcdf(5 * x))[:, 0])
    )
    return case(logistic(jnp.float64), nodes(), data)


@cache
def student_nearly_right() -> Case:
    """`student5` fitted to 0.9 of its own law and 0.1 N(1.5, 1): misspecified a little."""
    model, outliers = student5(), normal_mixture(nodes(), [1.0], [1.5], [1.0])
    regular = whole(quadrature.own(model, model.init(jax.random.key(0)), nodes()))
    return case(model, nodes(), regular._replace(weight=0.9 * regular.weight + 0.1 * outliers.weight))


@cache
def mixture_on_three() -> Case:
    """A mixture of two normals, all five parameters free, fitted to a mixture of three."""
    data = normal_mixture(near(), [0.35, 0.4, 0.25], [-2.0, 0.8, 3.0], [0.6, 0.7, 0.5])
    return case(mixture(2, 1, 80, dtype=jnp.float64), near(), data)  # EM gains a digit in seven steps here


@cache
def locations_on_two() -> Case:
    """The two locations of a mixture of scale 0.8, fitted to a mixture of two unequal normals."""
    data = normal_mixture(near(), [0.6, 0.4], [-1.2, 1.6], [1.2, 0.5])
    return case(mixture_locations(0.8, np.full(2, 0.5), em=4, newton=6, dtype=jnp.float64), near(), data)


_KEPT: dict[tuple, tuple[Case, Any]] = {}


def _remembered(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Results kept by the case itself, which is not hashable, and by the other arguments' values."""

    @wraps(compute)
    def found(case: Case, *values: Any) -> Any:
        key = (compute.__name__, id(case), *(np.asarray(value, float).tobytes() for value in values))
        if key not in _KEPT:
            _KEPT[key] = (case, compute(case, *values))  # with the case, so that no other takes its identity
        return _KEPT[key][1]

    return found


@_remembered
def constants(case: Case, reach: float = 40.0) -> Constants:
    """alpha, L and eps in the case's coordinates; L over |x| <= reach, theta within 0.05 of theta*."""
    points = jnp.linspace(-reach, reach, 2001)[:, None]
    steepest = lipschitz(case.model, case.star, points, 0.05)
    return Constants(*(float(value) for value in (alpha(case.curvature), steepest, eps(case.data, case.own))))


def concave(case: Case) -> bool:
    """Whether H is positive definite: Assumption 2, all that the exact rate asks for."""
    return bool(np.linalg.eigvalsh(np.asarray(case.curvature.H)).min() > 0)


def directions(case: Case) -> np.ndarray:
    """The eigenvectors [P, P] of F v = m H v, one a row, in the order of ``case.m``."""
    return scipy.linalg.eigh(np.asarray(case.curvature.F), np.asarray(case.curvature.H))[1].T


def mean_ratio(error: np.ndarray) -> np.ndarray:
    """The geometric mean of |e_t+1| / |e_t|, [...] of errors [..., T + 1, P], over those well above rounding."""
    size = np.linalg.norm(error, axis=-1)
    last = np.maximum((size > 1e-4 * size[..., :1]).sum(-1) - 1, 1)
    reached = np.take_along_axis(size, last[..., None], -1)[..., 0]
    return (reached / size[..., 0]) ** (1 / last)


def decay(case: Case, lam: Sequence[float], gamma: Sequence[float], kicks: np.ndarray) -> np.ndarray:
    """How small errors evolve in the population loop: [G, kicks, T + 1, P], by central differences.

    The loop starts at theta* + kick and at theta* - kick; half the difference of the two paths has no quadratic error.
    """
    star = np.asarray(case.chart.theta(case.star))
    both = paths(case, lam, gamma, np.concatenate([star + kicks, star - kicks]))
    return (both[:, : len(kicks)] - both[:, len(kicks) :]) / 2


@_remembered
def paths(case: Case, lam: Sequence[float], gamma: Sequence[float], starts: np.ndarray) -> np.ndarray:
    """The coordinates [G, starts, T + 1, P] of population loops from ``starts`` [starts, P], under G settings.

    One program serves all cases of a model: rows are run a few at a time.
    """
    rows = [(*setting, start) for setting in zip(lam, gamma, strict=True) for start in starts]
    padded = rows + rows[:1] * (-len(rows) % ROWS)
    weights, strengths, begins = (np.array(column, float) for column in zip(*padded, strict=True))
    found = [
        np.asarray(_paths(case.model, case.nodes, case.data, case.own, weights[at], strengths[at], begins[at]))
        for at in np.arange(len(padded)).reshape(-1, ROWS)
    ]
    return np.concatenate(found)[: len(rows)].reshape(len(lam), len(starts), GENERATIONS + 1, -1)


@partial(jax.jit, static_argnums=0)
@partial(jax.vmap, in_axes=(None, None, None, None, 0, 0, 0))
def _paths(model: Model, nodes: Batch, data: Batch, own: Batch, lam: Array, gamma: Array, start: Array) -> Array:
    """The coordinates [rows, T + 1, P] of loops that start at ``start`` [rows, P]."""
    chart = coordinates(model, model.init(jax.random.key(0)))
    loop = population(model, nodes, data, lam, pull(own, gamma))
    return trajectory(loop, chart.state(start), GENERATIONS, chart.theta)
