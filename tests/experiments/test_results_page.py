"""The results page says what its records give, and its contraction carries the doubt of both sets of chains."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from selfloop.errors import DataError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("results_page", ROOT / "experiments" / "results_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_its_records_give(script):
    page = (ROOT / "docs" / "results.md").read_text("utf-8")
    assert script.filled(page, script.parts(ROOT / "docs")) == page


def test_a_number_that_was_changed_by_hand_is_seen(script, tmp_path):
    (tmp_path / "results").symlink_to(ROOT / "docs" / "results")
    page = (ROOT / "docs" / "results.md").read_text("utf-8")
    (tmp_path / "results.md").write_text(page.replace("at most 11 %", "none"), "utf-8")
    assert "at most 11 %" in page
    with pytest.raises(DataError, match="not what its records give"):
        script.write(script.Config(docs=tmp_path, check=True))


def test_a_known_contraction_over_chance_is_read_and_its_interval_grows_with_that_of_chance(script):
    far = {seed: (0.2 * 0.7 ** np.arange(6)) ** 2 * (1 + 0.1 * seed) + 0.01 for seed in range(3)}
    found = script.contraction(far, dict.fromkeys(range(3), 0.01))
    np.testing.assert_allclose(found, 0.7, rtol=1e-9)
    one, other = (script.contraction(far, {0: 0.01 - d, 1: 0.01, 2: 0.01 + d}) for d in (0.001, 0.002))
    assert other.high - other.low > 1.5 * (one.high - one.low) > 0


@pytest.mark.parametrize(("width", "shown"), [(12.0, "0.5 [-5.5, 6.5]"), (0.12, "0.500 [0.440, 0.560]")])
def test_digits_follow_the_interval(script, width, shown):
    assert script._number(script.Estimate(0.5, 0.5 - width / 2, 0.5 + width / 2)) == shown
