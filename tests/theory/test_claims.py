"""Every claim holds with little effort, and notices its slips; each is one file and one row."""

import re
from pathlib import Path

import jax
import pytest

from theory.frame.claim import QUICK, miss, verdict
from theory.frame.results import examine
from theory.frame.slips import trials
from theory.verify import CLAIMS

CHEAP = {"no_lambda_threshold", "contraction_inequalities", "contraction_semigroup", "curation_mixed",
         "subsample_plateau"}  # fmt: skip
"""At least one of each group of `CLAIMS`."""
FOLDER = Path(__file__).parents[2] / "theory"


def test_every_file_with_a_claim_has_one_row():
    assert len(set(CLAIMS)) == len(CLAIMS)
    assert {path.stem for path in FOLDER.glob("*.py") if "\nCLAIM = " in path.read_text("utf-8")} == set(CLAIMS)


@pytest.mark.parametrize(
    "name", [name if name in CHEAP else pytest.param(name, marks=pytest.mark.slow) for name in CLAIMS]
)
def test_a_claim_holds_and_notices_its_slips(name):
    result = examine(name, QUICK)
    labels = [one.label for one in result.finding.comparisons]
    assert result.claim.name == name
    assert len(set(labels)) == len(labels)
    assert result.good, result.finding
    assert not miss(result.finding.control) > 0.7, "the control is no near miss"
    assert result.claim.slips
    assert [trial.what for trial in trials(name, QUICK) if not trial.caught] == []


@pytest.mark.slow
def test_the_documented_example_is_a_claim():
    text = (FOLDER.parent / "docs" / "theory.md").read_text("utf-8")
    example: dict = {}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1), example)
    with jax.enable_x64(True):
        assert verdict(example["CLAIM"].check(QUICK))
