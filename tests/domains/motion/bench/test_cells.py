"""A cell's measures against correctors whose answer is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.domains.motion import artefacts
from selfloop.domains.motion.bench import cells, estimates
from selfloop.domains.motion.bench.cells import Case
from selfloop.domains.motion.bench.corruptions import CORRUPTIONS
from selfloop.protocols import identity
from tests.domains.motion.bench.motions import joints, made_up

pytestmark = pytest.mark.usefixtures("hurried")
LENGTHS = (40, 40, 25, 30)
KEY = jax.random.key(5)
EXACT = 1e-3
"""Millimetres and ratios in float32."""


def case_of(name="float", clean=True):
    x, length = made_up(0, LENGTHS)
    bad = CORRUPTIONS[name](jax.random.key(1), x, length) if name != "clean" else x
    batch = uniform(bad, {"label": jnp.array([0, 0, 1, 1], jnp.int32), "length": length})
    return Case(name, batch, x if clean else None, np.arange(4), np.array([True, True, False, False]))


def measured(corrector, case, clean=None):
    against = clean if clean is not None or case.clean is None else case.batch._replace(x=case.clean)
    done = None if against is None else cells.corrected(cells.first_key(KEY), corrector, against)
    return cells.cell(KEY, corrector, case, done, estimates.draws(0, case.unit))[0]


def constant(change):
    """A corrector that does the same to every motion, whatever it is."""

    def correct(key, batch, state):
        return batch._replace(x=change(batch.x)), {"failed": jnp.zeros(batch.capacity, bool)}

    return correct


def lifted(metres):
    return constant(lambda x: x.at[..., 3].add(metres))


def test_no_correction_keeps_everything():
    found = measured(identity, case_of("pose_noise"))
    assert found["map_contraction"] == (1, 1, 1)
    assert found["distance_ratio"] == (1, 1, 1)
    assert found["survival"].value == 1
    assert found["after_mm"] == found["before_mm"]
    assert found["second_pass_mm"].value == found["second_pass_rise_mm"].value == found["moved_mm"].value == 0


def test_distances_are_the_means_of_the_joints_distances():
    case = case_of("jitter")
    found = measured(identity, case)
    apart = joints(case.batch.x) - joints(case.clean)
    relative = apart - apart[:, :, :1]
    for name, gap in (("before_mm", apart), ("before_root_relative_mm", relative)):
        each = [np.linalg.norm(one[:n], axis=-1).mean() for one, n in zip(gap, LENGTHS, strict=True)]
        assert found[name].value == pytest.approx(1000 * np.mean(each), rel=1e-5)


def test_a_constant_shift_contracts_nothing_and_adds_its_own_bias():
    found = measured(lifted(0.05), case_of("float"))
    assert found["map_contraction"].value == pytest.approx(1, abs=EXACT)
    assert found["before_mm"].value == pytest.approx(100, abs=EXACT)
    assert found["after_mm"].value == pytest.approx(150, abs=EXACT)
    assert found["distance_ratio"].value == pytest.approx(1.5, abs=EXACT)
    assert found["after_root_relative_mm"].value == pytest.approx(0, abs=EXACT)
    for name in ("moved_mm", "second_pass_mm", "second_pass_rise_mm"):
        assert found[name].value == pytest.approx(50, abs=EXACT)


def test_half_of_a_lift_taken_back_is_a_contraction_by_half():
    clean = case_of().clean

    def toward(x):
        height = 0.5 * (x[..., 3] + clean[..., 3])
        return x.at[..., 3].set(height)

    found = measured(constant(toward), case_of("float"))
    assert found["map_contraction"].value == pytest.approx(0.5, abs=EXACT)
    assert found["distance_ratio"].value == pytest.approx(0.5, abs=EXACT)
    assert found["second_pass_rise_mm"].value == pytest.approx(-25, abs=EXACT)


def test_the_oracle_forgets_every_corruption():
    case = case_of("mix")
    found = measured(constant(lambda x: case.clean), case)
    assert found["map_contraction"].value == found["distance_ratio"].value == found["after_mm"].value == 0
    real = artefacts.measure(case.clean, case.batch.cond["length"])
    for name in artefacts.NAMES:
        assert found[name].value == pytest.approx(float(real[name].mean()), rel=1e-5, abs=1e-9)


def test_on_clean_motion_there_is_a_bias_and_no_ratio():
    found = measured(lifted(0.02), case_of("clean"))
    assert found["before_mm"].value == 0
    assert found["after_mm"].value == pytest.approx(20, abs=EXACT)
    assert "map_contraction" not in found
    assert "distance_ratio" not in found


def test_without_clean_motions_there_is_no_distance_to_them():
    found = measured(lifted(0.02), case_of("float", clean=False))
    assert found["moved_mm"].value == pytest.approx(20, abs=EXACT)
    assert not {"before_mm", "after_mm", "map_contraction", "second_pass_rise_mm"} & found.keys()
    assert {"survival", "penetration_mm", "second_pass_mm", "motion_s_per_core_s"} <= found.keys()


@pytest.mark.parametrize("way", ["flag", "weight", "nan"])
def test_failed_motions_count_in_survival_alone(way):
    ill = jnp.array([False, False, True, False])

    def correct(key, batch, state):
        wild = jnp.where(ill[:, None, None], jnp.float32(jnp.nan if way == "nan" else 1e3), batch.x)
        weight = jnp.where(ill, 0, batch.weight) if way == "weight" else batch.weight
        return batch._replace(x=wild, weight=weight), {"failed": ill & (way == "flag")}

    found = measured(correct, case_of("float"))
    assert found["survival"].value == 0.75
    assert found["after_mm"].value == pytest.approx(100, abs=EXACT)
    assert found["map_contraction"].value == pytest.approx(1, abs=EXACT)
    assert found["jerk"].value < 1e4


def test_skating_of_walks_is_of_walks():
    case = case_of("clean")
    slide = np.asarray(artefacts.measure(case.batch.x, case.batch.cond["length"])["skate_mm_per_frame"])
    found = measured(identity, case)
    assert found["skate_walks_mm_per_frame"].value == pytest.approx(slide[:2].mean(), rel=1e-5)
    none = measured(identity, case._replace(walks=np.zeros(4, bool)))
    assert "skate_walks_mm_per_frame" not in none


def test_the_median_share_of_the_wrench_is_over_those_that_survived():
    def correct(key, batch, state):
        share = jnp.array([0.1, 0.2, 9.0, 0.3], jnp.float32)
        return batch, {"failed": share > 1, "root_force_share": share, "root_torque_share": 2 * share}

    found = measured(correct, case_of())
    assert found["root_force_share"].value == pytest.approx(0.2)
    assert found["root_torque_share"].value == pytest.approx(0.4)


def test_both_corrections_of_a_contraction_share_their_random_numbers():
    def noisy(key, batch, state):
        noise = 0.1 * jax.random.normal(key, (batch.capacity, 1))
        return batch._replace(x=batch.x.at[..., 3].add(noise)), {}

    assert measured(noisy, case_of("float"))["map_contraction"].value == pytest.approx(1, abs=EXACT)


def test_walks_are_known_by_their_label():
    names = ("dance", "run", "walk-turn-left")
    np.testing.assert_array_equal(cells.walking(np.array([2, 0, 1]), names), [True, False, True])
