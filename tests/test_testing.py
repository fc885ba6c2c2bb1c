"""The laws that users run: good correctors keep them, each of many bad ones breaks one, the documented lines work."""

import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.batch import Batch, uniform
from selfloop.correctors.fallback import select
from selfloop.correctors.idealized import replacement
from selfloop.correctors.strength import report
from selfloop.correctors.transport import geodesic, geodesic_empirical, redraw
from selfloop.testing import (
    Mixture,
    batches,
    corrected,
    corrector_laws,
    dimensions,
    directions,
    draw_from,
    gammas,
    geodesic_law,
    geodesic_laws,
    mixtures,
    points,
    protocol_laws,
)
from selfloop.testing.properties import follows
from tests.tables import CORRECTORS, STRENGTHS, corrector_state

GUIDE = Path(__file__).parent.parent / "docs" / "testing.md"


def own(kept=lambda gamma: 1 / (1 + gamma), change=lambda key, x: x, weigh=lambda key, x, w: w):
    """A user's corrector: each sample kept with probability ``kept(gamma)``, all of them then changed or weighed."""

    def make(draw, gamma):
        if not gamma >= 0:
            raise ValueError(gamma)

        def correct(key, batch, state):
            a, b, c = jax.random.split(key, 3)
            choice = jax.random.uniform(a, batch.weight.shape) < kept(gamma)
            x = change(c, select(choice, batch.x, draw(b, batch.capacity)))
            return Batch(x, weigh(c, x, batch.weight), batch.cond), report(batch, x.astype(batch.x.dtype))

        return correct

    return make


def mute(draw, gamma):
    """Tells of no movement."""
    inner = own()(draw, gamma)

    def correct(key, batch, state):
        result, info = inner(key, batch, state)
        return result, info | {"moved": jnp.zeros_like(info["moved"])}

    return correct


def credulous(draw, gamma):
    """Takes any gamma."""
    return own()(draw, abs(gamma) if gamma == gamma else 1.0)


def one_for_all(draw, gamma):
    """Replaces by one draw, the same for all samples."""
    return own()(lambda key, n: jnp.repeat(draw(key, 1), n, 0), gamma)


COUNT = iter(range(10**9))

BAD = {
    "half as strong": (own(lambda gamma: 1 / (1 + gamma / 2)), "the_law_is_the_mixture"),
    "twice as strong": (own(lambda gamma: 1 / (1 + 2 * gamma)), "the_law_is_the_mixture"),
    "strengths that add": (own(lambda gamma: jnp.exp(-gamma)), "two_corrections_are_one"),
    "never": (own(lambda gamma: 1.0), "gamma_infinity"),
    "always": (own(lambda gamma: 0.0), "gamma_zero"),
    "noisy": (own(change=lambda key, x: x + 0.7 * jax.random.normal(key, x.shape)), "the_target_is_fixed"),
    "shrinking": (own(change=lambda key, x: 0.8 * x), "the_target_is_fixed"),
    "forgets the weights": (own(weigh=lambda key, x, w: jnp.ones_like(w)), "absent_samples"),
    "selects the small": (own(weigh=lambda key, x, w: jnp.where(x[:, 0] < 2, w, 0)), "the_target_is_fixed"),
    "half precision": (own(change=lambda key, x: x.astype(jnp.float16)), "shapes_precision"),
    "chance of its own": (own(change=lambda key, x: x + 1e-3 * next(COUNT)), "the_key_is_all"),
    "sees absent samples": (own(change=lambda key, x: x - 0 * x.mean(0, keepdims=True)), "absent_samples"),
    "one for all": (one_for_all, "gamma_infinity"),
    "mute": (mute, "moved_is_the_distance"),
    "mute, seen on the mean": (mute, "samples_move_no_less"),
    "credulous": (credulous, "a_negative_gamma"),
}
"""What a user's corrector may do wrong, and the beginning of the name of a law that it breaks."""


def the_one(laws, beginning):
    return next(law for law in laws if law.__name__.startswith(beginning))


def broken(laws):
    """The names of the laws that do not hold."""
    names = []
    for law in laws:
        try:
            law()
        except AssertionError:
            names.append(law.__name__)
    return names


@pytest.mark.parametrize("law", corrector_laws(replacement), ids=lambda law: law.__name__)
def test_replacement(law):
    law()


@pytest.mark.parametrize("law", corrector_laws(own()), ids=lambda law: law.__name__)
def test_a_user_s_own(law):
    law()


@pytest.mark.parametrize("law", geodesic_laws(geodesic), ids=lambda law: law.__name__)
def test_geodesic(law):
    law()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_corrector_breaks_its_law(name):
    make, beginning = BAD[name]
    with pytest.raises(AssertionError):
        the_one(corrector_laws(make), beginning)()


def test_the_three_documented_lines_on_a_good_and_a_bad_corrector():
    """The first block of docs/testing.md as it stands, with a user's own corrector in its place."""
    lines = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)[1]
    given = "import selfloop\n", "my_corrector = selfloop.replacement  # yours in its place\n"
    assert all(line in lines for line in given)
    lines = lines.replace(given[0], "", 1).replace(given[1], "")
    assert len([line for line in lines.splitlines() if line]) == 3
    exec(lines, {"my_corrector": own()})
    with pytest.raises(AssertionError, match="is off by"):
        exec(lines, {"my_corrector": BAD["twice as strong"][0]})


def test_the_documented_table_names_every_law():
    for law in corrector_laws(replacement):
        assert f"`{law.__name__}`" in GUIDE.read_text()


@settings(max_examples=30, deadline=None)
@given(st.data(), dimensions())
def test_strategies_give_what_they_say(data, d):
    law, pair, vector = data.draw(mixtures(d)), data.draw(points(d)), data.draw(directions(d))
    np.testing.assert_allclose([law.weights.sum(), pair.p.sum(), pair.q.sum(), vector @ vector], 1)
    assert 1 <= d <= 4
    assert law.means.shape == (len(law.weights), d)
    assert np.abs(law.means).max() <= 3
    assert (np.linalg.eigvalsh(law.covariances) > 0).all()
    assert len(np.unique(pair.x, axis=0)) == len(pair.x) == len(pair.p)
    assert data.draw(gammas()) >= 0
    assert 0.05 <= data.draw(gammas(inside=True)) <= 20


@jax.jit
def four_ways(gamma, batch):
    names = ("replacement", "geodesic_empirical", "redraw", "smoothing")
    return [STRENGTHS[name].make(gamma)(jax.random.key(0), batch, None) for name in names]


@settings(max_examples=20, deadline=None)
@given(batch=batches(2), gamma=gammas())
def test_any_batch_keeps_its_absent_samples_out(batch, gamma):
    for result, info in four_ways(gamma, batch):
        np.testing.assert_array_equal(result.weight, batch.weight)
        assert not info["moved"][batch.weight == 0].any()
        assert np.isfinite(result.x).all()


def test_without_hypothesis_one_is_told_what_to_install():
    code = "import sys; sys.modules['hypothesis'] = None; import selfloop.testing"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr.strip().endswith("selfloop.testing needs hypothesis: pip install 'selfloop[test]'")


def test_a_geodesic_is_not_the_mixture_nor_a_mixture_the_geodesic():
    """N(2, 1/4) to N(0, 1) at gamma = 1: the two laws are 0.37 apart in total variation."""
    law, target = (Mixture(np.ones(1), np.full((1, 1), m), np.full((1, 1, 1), v)) for m, v in ((2.0, 0.25), (0.0, 1.0)))
    x = uniform(draw_from(law)(jax.random.key(0), 4096))
    correctors = [make(draw_from(target), 1.0) for make in (geodesic_empirical, replacement)]
    laws = [make(law, target, 1.0) for make in (geodesic_law, corrected)]
    for corrector, its_own, the_other in zip(correctors, laws, laws[::-1], strict=True):
        result = corrector(jax.random.key(1), x, None)[0]
        follows(result, its_own)
        with pytest.raises(AssertionError, match="is off by"):
            follows(result, the_other)


def test_a_redraw_is_the_mixture_but_for_its_resampling():
    """gamma = 0 draws anew from the samples, so it is the identity in law alone; the rest it keeps."""
    assert broken(corrector_laws(redraw, samples=128)) == ["gamma_zero_changes_nothing"]


@pytest.mark.parametrize("name", CORRECTORS)
def test_every_corrector_keeps_the_protocol(name):
    draw = lambda key, n: 5 + jax.random.normal(key, (n, 2))  # noqa: E731
    for law in protocol_laws(CORRECTORS[name].make(), draw, corrector_state()):
        law()
