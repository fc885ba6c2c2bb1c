import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import Batch
from selfloop.domains.motion import artefacts
from selfloop.domains.motion.artefacts import FLOOR, UNITS
from selfloop.domains.motion.bench.spaces import artefact_space
from tests.domains.motion.bench.motions import made_up

pytestmark = pytest.mark.usefixtures("hurried")


measure = jax.jit(artefacts.measure)


def motions(seed, count=20):
    x, length = made_up(seed, (40,) * count)
    return Batch(x, jnp.ones(count), {"label": jnp.zeros(count, jnp.int32), "length": length})


def test_every_artefact_has_a_unit():
    assert tuple(UNITS) == artefacts.NAMES


def test_the_reference_lies_about_0_at_unit_spread():
    reference = motions(0)
    points = np.asarray(artefact_space(reference)(reference))
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-5)
    # Those that vary least are divided by a floor, which makes them narrower and nothing wider.
    assert (points.std(0) < 1 + 1e-4).all()
    assert points.std(0).max() > 0.99


def test_points_are_logarithms_of_the_artefacts():
    reference, other = motions(0), motions(1)._replace(x=motions(1).x.at[..., 3].add(0.1))
    known, found = (measure(batch.x, batch.cond["length"]) for batch in (reference, other))
    points, lines = np.asarray(artefact_space(reference)(other)), []
    for i, name in enumerate(artefacts.NAMES):
        unit = max(float(known[name].mean()), UNITS[name])
        real, value = (np.log1p(np.asarray(values[name]) / unit) for values in (known, found))
        if np.ptp(value) > 1e-3:  # a straight line, no steeper than one over the spread
            lines.append(np.polyfit(value, points[:, i], 1)[0])
            np.testing.assert_allclose(points[:, i], lines[-1] * (value - real.mean()), atol=1e-3)
            assert 0 < lines[-1] <= 1 / max(real.std(), 1e-9) * (1 + 1e-3)
    assert len(lines) >= 3


def test_what_the_reference_has_not_is_divided_by_the_floor():
    # One motion, over and over: no artefact varies but the float, which lifts give it.
    x, length = made_up(0, (40,) * 20)
    x = x[:1].repeat(20, 0).at[..., 3].add(0.2 + 0.01 * jnp.arange(20.0)[:, None])
    reference = Batch(x, jnp.ones(20), {"length": length})
    deviations = [
        float(jnp.log1p(values / jnp.maximum(values.mean(), UNITS[name])).std())
        for name, values in measure(x, length).items()
    ]
    floor = FLOOR * np.sqrt(np.mean(np.square(deviations)))
    bent = reference._replace(x=x.at[..., 58:64].set(3.0))  # knees and elbows beyond what any can
    column, name = artefacts.NAMES.index("limit_violation_deg"), "limit_violation_deg"
    moved = artefact_space(reference)(bent)[:, column] - artefact_space(reference)(reference)[:, column]
    before, after = (measure(batch.x, length)[name] for batch in (reference, bent))
    unit = max(float(before.mean()), UNITS[name])
    assert float((after - before).min()) > 0.1
    np.testing.assert_allclose(moved, (np.log1p(after / unit) - np.log1p(before / unit)) / floor, rtol=1e-3)
