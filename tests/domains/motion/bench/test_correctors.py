"""What each corrector is worth over the one before it, on a few real clips."""

import jax
import numpy as np
import pytest

from selfloop.domains.motion.bench import cases, cells, data, estimates
from selfloop.domains.motion.correctors import table

KEY = jax.random.key(0)


@pytest.mark.slow
def test_each_corrector_is_worth_something_over_the_one_before(embedded_folder):
    """On ten real windows: a filter damps jitter alone; kinematics and physics find the floor, also one that bobs.

    Jitter under physics is left out: on acrobatics, half of these clips, its k is 1 (docs/corrector.md).
    """
    real = data.load(str(embedded_folder), 5)
    given = cases.paired(real, 0)

    def k(corruption, name):
        corrector, found = table.corrector(name, "auto", real.others, real.names), []
        for split in data.SPLITS:
            case = given(split, corruption)
            clean = cells.corrected(cells.first_key(KEY), corrector, given(split, "clean").batch)
            one, _ = cells.cell(KEY, corrector, case, clean, estimates.draws(0, case.unit))
            found.append(one["map_contraction"].value)
        return np.mean(found)

    assert k("float", "identity") == k("jitter", "identity") == 1
    assert k("float", "smoothing") == pytest.approx(1, abs=1e-3)
    assert k("jitter", "smoothing") < 0.8
    assert k("float", "cleanup") < 0.05
    assert k("float", "physics") < 0.05
    assert k("bob", "physics") < 0.5
