import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import Batch
from selfloop.motion import artifacts
from selfloop.motion.bench.spaces import FLOOR, UNITS, artefact_space
from tests.motion.bench.motions import made_up

pytestmark = pytest.mark.usefixtures("hurried")


def motions(seed, count=40):
    x, length = made_up(seed, (40,) * count)
    return Batch(x, jnp.ones(count), {"label": jnp.zeros(count, jnp.int32), "length": length})


def test_every_artefact_has_a_unit():
    assert tuple(UNITS) == artifacts.NAMES


def test_the_reference_lies_about_0_at_unit_spread():
    reference = motions(0)
    points = np.asarray(artefact_space(reference)(reference))
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-5)
    # Those that vary least are divided by a floor, which makes them narrower and nothing wider.
    assert (points.std(0) < 1 + 1e-4).all()
    assert points.std(0).max() > 0.99


def test_points_are_logarithms_of_the_artefacts():
    reference, other = motions(0), motions(1)._replace(x=motions(1).x.at[..., 3].add(0.1))
    known, found = (artifacts.measure(batch.x, batch.cond["length"]) for batch in (reference, other))
    points = np.asarray(artefact_space(reference)(other))
    for i, name in enumerate(artifacts.NAMES):
        unit = max(float(known[name].mean()), UNITS[name])
        real, value = (np.log1p(np.asarray(values[name]) / unit) for values in (known, found))
        line = np.polyfit(value, points[:, i], 1)[0] if np.ptp(value) > 1e-3 else None
        if line is not None:  # a straight line, no steeper than one over the spread
            np.testing.assert_allclose(points[:, i], line * (value - real.mean()), atol=1e-3)
            assert 0 < line <= 1 / max(real.std(), 1e-9) * (1 + 1e-3)


def test_what_the_reference_has_not_is_divided_by_the_floor():
    reference = motions(0)
    still = {name: np.asarray(v) for name, v in artifacts.measure(reference.x, reference.cond["length"]).items()}
    assert still["limit_violation_deg"].max() == 0
    spread = [np.log1p(still[name] / max(still[name].mean(), UNITS[name])).std() for name in artifacts.NAMES]
    floor = FLOOR * np.sqrt(np.mean(np.square(spread)))
    bent = reference._replace(x=reference.x.at[..., 58].set(-2.0))  # a knee bent the wrong way
    violation = np.asarray(artifacts.measure(bent.x, bent.cond["length"])["limit_violation_deg"])
    points = np.asarray(artefact_space(reference)(bent))[:, artifacts.NAMES.index("limit_violation_deg")]
    assert violation.min() > 0.1
    np.testing.assert_allclose(points, np.log1p(violation / UNITS["limit_violation_deg"]) / floor, rtol=1e-3)
