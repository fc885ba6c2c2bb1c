"""Cases: made once, by key and name; generated ones speak the bench's labels."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.domains.motion.bench import cases, data
from tests.domains.motion.bench.motions import made_up

NAMES = ("jump", "run", "walk")


@pytest.fixture
def small(made_up_folder):
    return data.load(str(made_up_folder), 3)


def batch_of(labels):
    x, length = made_up(0, (40,) * len(labels))
    return uniform(x, {"label": jnp.array(labels, jnp.int32), "length": length})


@pytest.fixture
def chains(monkeypatch):
    """A generator of the labels walk and run; what its on-policy chain's corrector was given and gave back."""
    seen = {}

    def on_policy(settings, corrector, folder):
        seen["folder"], seen["back"] = folder, corrector(None, batch_of([0, 1, 1]), None)[0]
        return seen["back"]

    monkeypatch.setattr(
        cases.setup, "load", lambda settings, n: SimpleNamespace(real=SimpleNamespace(names=("run", "walk")))
    )
    monkeypatch.setattr(cases.generator, "generated", lambda settings: {t: batch_of([1, 0, 1]) for t in (0, 5, 20)})
    monkeypatch.setattr(cases.generator, "on_policy", on_policy)
    return seen


def made(tmp_path, samples=2, build=None):
    return cases.generated(SimpleNamespace(names=NAMES), None, samples, tmp_path, build)


def test_the_clean_case_is_the_clean_windows_exactly(small):
    case = cases.paired(small, 0)("heldout", "clean")
    np.testing.assert_array_equal(case.batch.x, case.clean)
    np.testing.assert_array_equal(case.unit, small.bench["heldout"].clip)


def test_a_case_is_made_once_and_by_its_seed(small):
    given, other = cases.paired(small, 0), cases.paired(small, 1)
    assert given("heldout", "jitter") is given("heldout", "jitter")
    assert float(jnp.abs(given("heldout", "jitter").batch.x - other("heldout", "jitter").batch.x).max()) > 0.01


def test_the_first_motions_of_a_case(small):
    case = cases.paired(small, 0)("heldout", "float")
    some = cases.first(case, 2)
    assert some.batch.capacity == len(some.unit) == len(some.walks) == len(some.clean) == 2
    assert cases.first(case, None).batch.capacity == case.batch.capacity


def test_generated_samples_have_the_benchs_labels(chains, tmp_path):
    case = made(tmp_path)("generator_5", "")
    assert case.clean is None
    np.testing.assert_array_equal(case.batch.cond["label"], [2, 1])
    np.testing.assert_array_equal(case.walks, [True, True])


def test_in_the_loop_a_corrector_reads_the_benchs_labels_and_gives_the_loops_back(chains, tmp_path):
    def correct(key, batch, state):
        chains["given"] = batch.cond["label"]
        return batch, {}

    case = made(tmp_path, build=lambda name: correct)(cases.ON_POLICY, "physics")
    np.testing.assert_array_equal(chains["given"], [1, 2, 2])
    np.testing.assert_array_equal(chains["back"].cond["label"], [0, 1, 1])
    np.testing.assert_array_equal(case.batch.cond["label"], [1, 2])
    assert chains["folder"] == tmp_path / "physics"
