"""What a reader may point at has a definition: every measure of every domain, and every column of a table."""

import pytest

from selfloop.analysis.glossary import COLUMNS, MEASURES, entry
from selfloop.cli.domains import DOMAINS, _at
from selfloop.domains import arrays
from selfloop.engine.folder import about_of
from tests.analysis.made import ABOUT


def undefined(domain):
    known = {one["name"]: one for one in about_of(domain)["measures"]}
    return [name for name in known if not entry(name, known).about]


@pytest.mark.parametrize("name", DOMAINS)
def test_every_measure_of_a_domain_has_a_definition(name):
    assert not undefined(_at(DOMAINS[name].domain))


def test_a_measure_that_nobody_defines_is_found():
    domain = _at(DOMAINS["gaussian"].domain)
    unsaid = [one._replace(about="") for one in domain.measures]
    assert undefined(domain._replace(measures=tuple(unsaid))) == [one.name for one in unsaid]


def width(samples):
    """Mean width of a sample, in metres.

    It is not its height.
    """
    return samples[:, 0]


def test_a_user_s_measures_are_defined_by_their_functions():
    real = [[float(i), float(i % 7)] for i in range(32)]
    measures = {"width": width, "first": lambda samples: samples[:, 0]}
    domain = arrays.arrays(real, lambda *given: None, lambda *given: real, measures=measures)
    told = {one["name"]: one for one in about_of(domain)["measures"]}
    assert entry("width", told).about == "Mean width of a sample, in metres."
    assert "first" in entry("first", told).about
    assert not undefined(domain)


def test_definitions_are_sentences_and_limits_are_in_order():
    for name, one in MEASURES.items():
        assert one.about[0].isupper(), name
        assert one.least < one.most, name
    assert all(text.strip() for text in COLUMNS.values())
    assert entry("corrected_coverage", {}).about.endswith("(after correction)")
    assert not entry("nobody_knows", {one["name"]: one for one in ABOUT["measures"]}).about
