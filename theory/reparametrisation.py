"""The rate belongs to the model; alpha, L and the published bound belong to the coordinates it is written in."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.models import charts
from selfloop.models.student import LocationScale
from selfloop.protocols import Coordinates
from selfloop.stability import rates
from selfloop.stability.constants import eta
from theory.frame.claim import Claim, Control, Effort, Finding, equal, identity
from theory.frame.drawing import Line, lines
from theory.shared import cases
from theory.shared.slips import RATE

LAM, REACH = 0.5, 6.0
NATURAL, LOCATION, BENT = "Gaussian, natural", "Gaussian, (mean, log s)", "t5, (location / s, s³)"


def check(effort: Effort) -> Finding:
    """A Gaussian and Student's t in two charts each, on the same skew data: decay, spectra, certificates."""
    normal, student = cases.gaussian_on_skew(), cases.student_on_skew()
    built = _charted()
    first = {NATURAL: normal, LOCATION: normal}
    found = {name: _measured(name) for name in built}
    loosened = {name: 1 + float(eta(cases.constants(built[name], REACH))) for name in (NATURAL, LOCATION)}
    pairs = [
        (f"{name}: rate {i + 1}, lambda 0.5", one, measured)
        for name in built
        for i, (one, measured) in enumerate(
            zip(rates.exact(LAM, 0.0, first.get(name, student).m), found[name], strict=True)
        )
    ]
    return Finding(
        hypotheses={f"{name}: H is positive definite": cases.concave(case) for name, case in built.items()},
        comparisons=[
            *(equal(label, one, measured, 1e-5) for label, one, measured in pairs),
            identity("t5: largest difference of the m in its two charts", 0, _apart(*list(built.values())[2:]), 1e-9),
            identity(f"{NATURAL}: 1 + eps L / alpha, |x| <= 6", 1, loosened[NATURAL], 1e-6),
            identity(f"{LOCATION}: 1 + eps L / alpha, |x| <= 6", 12.90, loosened[LOCATION], 0.01),
        ],
        control=Control(
            "rates are no property of the data alone: the Gaussian's is not Student's",
            equal("t5, (location / s, s³): rate 2, lambda 0.5", found[LOCATION][1], found[BENT][1], 1e-5),
        ),
        figure=lines(
            [Line(name, [1, 2], rates.exact(LAM, 0.0, first.get(name, student).m), found[name]) for name in built],
            "eigenvector",
            "rate per generation, lambda 0.5",
        ),
    )


def _recharted(case: cases.Case, chart: Coordinates) -> cases.Case:
    return cases.case(case.model._replace(coordinates=chart), case.nodes, case.data, case.star)


@cache
def _charted() -> dict[str, cases.Case]:
    """The four cases."""
    normal, student = cases.gaussian_on_skew(), cases.student_on_skew()
    return {
        NATURAL: _recharted(normal, charts.natural(1)),
        LOCATION: normal,
        BENT: _recharted(student, _bent()),
        "t5, (location, log s)": student,
    }


@cache
def _measured(name: str) -> np.ndarray:
    """The rates [P] of the case of this name, its loop run in the first chart of the model."""
    first = cases.gaussian_on_skew() if "Gaussian" in name else cases.student_on_skew()
    return _decay(_charted()[name], first)


def _decay(case: cases.Case, first: cases.Case) -> np.ndarray:
    """The rates [P] of errors along the case's own eigenvectors; the loop runs in the first chart of its model."""
    kicks, star = 1e-3 * cases.directions(case), np.asarray(case.chart.theta(case.star))
    starts = jax.jit(jax.vmap(lambda theta: first.chart.theta(case.chart.state(theta))))
    path = cases.paths(first, [LAM], [0.0], np.asarray(starts(np.concatenate([star + kicks, star - kicks]))))[0]
    back = jax.jit(jax.vmap(jax.vmap(lambda theta: case.chart.theta(first.chart.state(theta)))))
    ahead, behind = np.split(np.asarray(back(path)), 2)
    return cases.mean_ratio((ahead - behind) / 2)


def _apart(one: cases.Case, other: cases.Case) -> float:
    return abs(one.m - other.m).max()


def _bent() -> Coordinates:
    """(location / s, s^3): as good as (location, log s), and bent against it."""

    def theta(state: LocationScale) -> jnp.ndarray:
        scale = jnp.exp(state.log_scale)
        return jnp.stack([state.location / scale, scale**3])

    def state(theta: jnp.ndarray) -> LocationScale:
        scale = jnp.cbrt(theta[1])
        return LocationScale(theta[0] * scale, jnp.log(scale))

    return Coordinates(theta, state)


CLAIM = Claim(
    name="reparametrisation",
    source="derived here (docs/stability.md)",
    statement="A smooth change of coordinates leaves the Jacobian's eigenvalues as they are, and changes alpha, L and "
    "with them what Theorem 4.3 certifies: for one Gaussian fit 1 + eps L / alpha is 1 in natural parameters.",
    check=check,
    slips=RATE,
)
