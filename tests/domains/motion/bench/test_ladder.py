"""The ladder: its names, and the order of its rungs on a few real clips."""

import jax
import numpy as np
import pytest

from selfloop.domains.motion.bench import cases, cells, data, estimates
from selfloop.domains.motion.bench.ladder import LADDER

KEY = jax.random.key(0)


def test_the_rungs_go_from_nothing_to_the_ceiling():
    physics = "physics physics_ilc physics_no_torque physics_gradient"
    names = f"none smoothing cleanup {physics} prior physics_prior nearest_real"
    assert list(LADDER) == names.split()
    assert all(rung.about.endswith(".") for rung in LADDER.values())


def test_what_needs_other_clips_says_so():
    needy = {name for name, rung in LADDER.items() if rung.needs}
    assert needy == {"prior", "physics_prior", "nearest_real"}
    assert {rung.needs for rung in LADDER.values()} <= {"", *data.Data._fields}


@pytest.mark.slow
def test_each_rung_is_worth_something_over_the_one_below(embedded_folder):
    """On ten real windows: a filter damps jitter alone; kinematics and physics find the floor, also one that bobs.

    Jitter under physics is left out: on acrobatics, half of these clips, its k is 1 (docs/corrector.md).
    """
    real = data.load(str(embedded_folder), 5)
    given = cases.paired(real, 0)

    def k(corruption, name):
        corrector, found = LADDER[name].build(real, "auto"), []
        for split in data.SPLITS:
            case = given(split, corruption)
            clean = cells.corrected(cells.first_key(KEY), corrector, given(split, "clean").batch)
            one, _ = cells.cell(KEY, corrector, case, clean, estimates.draws(0, case.unit))
            found.append(one["map_contraction"].value)
        return np.mean(found)

    assert k("float", "none") == k("jitter", "none") == 1
    assert k("float", "smoothing") == pytest.approx(1, abs=1e-3)
    assert k("jitter", "smoothing") < 0.8
    assert k("float", "cleanup") < 0.05
    assert k("float", "physics") < 0.05
    assert k("bob", "physics") < 0.5
