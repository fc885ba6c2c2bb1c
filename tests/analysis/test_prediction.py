"""Predicted contractions against a loop in closed form."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.analysis.cells import placed
from selfloop.analysis.prediction import loop_rate, plain, predictions, remembered, with_memory
from selfloop.analysis.results import Results, pack, unpack
from selfloop.metrics.estimates import Estimate
from selfloop.report.tables import contraction
from selfloop.report.values import text
from tests.analysis.made import ABOUT


def linear_loop(lam: float, gamma: float, eta: float, steps: int, generations: int = 6) -> np.ndarray:
    """Errors of a mean that is refitted by gradient descent to real data of mean 0 and corrected samples of the model.

    The loss is the mean over the training set: (0 - s)^2 / 2 with share 1 / (1 + lam), (c - s)^2 / 2 with the rest,
    where c is the mean of the samples after a corrector that divides their error by 1 + gamma.
    """
    state, found = 1.0, [1.0]
    for _ in range(generations):
        real, synthetic = 0.0, state / (1 + gamma)
        for _ in range(steps):
            state -= eta * ((state - real) / (1 + lam) + lam * (state - synthetic) / (1 + lam))
        found.append(state)
    return np.array(found)


@settings(deadline=None)  # the first example compiles
@given(st.floats(0, 10), st.floats(0, 10), st.floats(0.001, 0.5), st.integers(1, 30))
def test_a_loop_that_stops_short_contracts_by_the_formula_with_memory(lam, gamma, eta, steps):
    errors = linear_loop(lam, gamma, eta, steps)
    memory = linear_loop(0.0, 0.0, eta, steps)
    r = memory[1] / memory[0]
    expected = with_memory(loop_rate(lam, gamma), r)
    np.testing.assert_allclose(errors[1:] / errors[:-1], expected, rtol=1e-5)  # loop_rate is float32


def test_a_refit_to_the_optimum_has_the_paper_s_factor():
    errors = linear_loop(1.0, 0.5, 0.5, 100)
    assert errors[1] / errors[0] == pytest.approx(1 / (2 * 1.5))
    assert loop_rate(1.0, 0.5) == pytest.approx(1 / 3)
    assert loop_rate(1.0, math.inf) == 0.0


def test_intervals_turn_round_with_gamma():
    found = plain(1.0, Estimate(1.0, 0.5, math.inf))
    np.testing.assert_allclose(found, (0.25, 0.0, 1 / 3), rtol=1e-6)
    np.testing.assert_allclose(remembered(found, Estimate(0.8, 0.7, 0.9)), (0.85, 0.7, 0.9 + 0.1 / 3), rtol=1e-6)


def results(rates: list[dict], gammas: list[dict]) -> Results:
    return Results(ABOUT, [], placed(ABOUT, rates), [], placed(ABOUT, gammas), {})


def row(arm: str, lam: float, rate: float, half: float = 0.01) -> dict:
    limits = {"rate": rate, "low": rate - half, "high": rate + half}
    return {"n": 64, "heat": 1.0, "lam": lam, "arm": arm, "distance": "mmd"} | limits


def gamma(space: str, value: float) -> dict:
    place = {"n": 64, "heat": 1.0, "lam": 1.0, "arm": "halving", "generation": 5, "space": space}
    return place | {"gamma": value, "low": value - 0.1, "high": value + 0.1}


def test_predictions_stand_beside_what_was_measured():
    rates = [row("baseline", 0.0, 0.8), row("uncorrected", 1.0, 0.9), row("halving", 1.0, 0.95), row("memory", 1.0, 1)]
    free, halving = predictions(results(rates, [gamma("artefacts", 9.0), gamma("points", 1.0)]))
    assert (free["predicted"], free["remembered"]) == pytest.approx((0.5, 0.9))
    assert free["holds"] is False
    assert free["holds_remembered"]
    assert (halving["predicted"], halving["remembered"]) == pytest.approx((0.25, 0.85))  # gamma of the primary space
    assert halving["holds_remembered"] is False


def test_memory_is_that_of_the_same_axes():
    other = row("baseline", 0.0, 0.2) | {"heat": 7.0}
    (found,) = predictions(results([other, row("uncorrected", 1.0, 0.9)], []))
    assert math.isnan(found["memory"])
    assert found["predicted"] == pytest.approx(0.5)


def test_an_axis_may_have_the_name_of_a_result():
    about, place = ABOUT | {"axes": ["gamma"]}, {"axes": {"gamma": 3.0}}
    rates = placed(about, [row("halving", 1.0, 0.25) | place | {"seeds": 3, "apart": True, "why": ""}])
    found = Results(about, [], rates, [], placed(about, [gamma("points", 1.0) | place]), {})
    for one in (found, unpack(pack(found))):
        assert predictions(one)[0]["predicted"] == pytest.approx(0.25)
        assert predictions(one)[0]["axes"] == (("gamma", 3.0),)
        (shown,) = contraction(one).rows
        assert (shown["gamma"], text(shown["predicted"])) == (3.0, "0.25 [0.238, 0.263]")


def test_without_a_gamma_there_is_no_prediction():
    (found,) = predictions(results([row("halving", 1.0, 0.9)], []))
    assert math.isnan(found["predicted"])
    assert math.isnan(found["remembered"])
    assert found["holds"] is None
