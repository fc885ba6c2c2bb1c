"""The engine against theory: every number of a Gaussian loop that has a closed form."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.analysis import coupling, effective_gamma
from selfloop.domains.gaussian.domain import ARMS, GAUSSIAN
from selfloop.engine.context import from_scratch
from selfloop.engine.job import states
from selfloop.loop import begin, generation, role_key
from selfloop.policies import POLICIES, synthetic_count
from selfloop.protocols import Loop, Model
from selfloop.stability import rates, recursions
from tests.engine.small import compute, context, jobs, points, small

N, T = 16, 12


# Coupled chains


COUPLED = {"model": "mean", "arms": ("uncorrected", "idealised"), "n": (N,), "lam": (0.5, 1.0, 2.0), "gamma": (1.0,),
           "generations": 6, "seeds": 20, "coupled": 6, "coupled_start": "part", "together": 8}  # fmt: skip


@pytest.fixture(scope="module")
def contracting(tmp_path_factory):
    """By arm and lambda, how much nearer a generation brings coupled chains [seeds, generations]."""
    out = compute(small(tmp_path_factory.mktemp("coupled") / "run", **COUPLED))
    found, traces = {}, points(out)
    for arm, lam, seed, coupled in traces:
        if coupled:
            curve = coupling.curves(traces[arm, lam, seed, True], traces[arm, lam, seed, False], 1.0)["paired"]
            assert curve.generation.tolist() == list(range(7))
            distance = np.sqrt(curve.square[0])
            assert distance[0] > 0.05
            found.setdefault((arm, lam), []).append(distance[1:] / distance[:-1])
    return {at: np.array(ratios) for at, ratios in found.items()}


@pytest.mark.parametrize("lam", COUPLED["lam"])
def test_uncorrected_chains_forget_where_they_began_at_exactly_the_rate_of_theory(contracting, lam):
    """Float32: a distance that has shrunk to 3^-6 of a tenth is known to a thousandth of itself."""
    np.testing.assert_allclose(contracting["uncorrected", lam], rates.exact(lam, 0.0), rtol=2e-3)


@pytest.mark.parametrize("lam", COUPLED["lam"])
def test_corrected_chains_do_so_on_average(contracting, lam):
    """A generation's rate is its share of samples that are kept, binomial of m and tau, times the uncorrected one."""
    ratios, m, tau, rate = contracting["idealised", lam], int(lam * N), 0.5, float(rates.exact(lam, 0.0))
    error = rate * np.sqrt(tau * (1 - tau) / m / ratios.size)
    assert abs(ratios.mean() - float(rates.exact(lam, 1.0))) < 4 * error
    kept = ratios * m / rate
    np.testing.assert_allclose(kept[:, :4], kept[:, :4].round(), atol=0.1)
    assert 0.8 < ratios.std() / (error * np.sqrt(ratios.size)) < 1.2


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_the_effective_gamma_is_the_one_put_in(tmp_path, gamma):
    settings = small(tmp_path / "run", model="mean", arms=("idealised",), gamma=(gamma,), n=(4,), d=8, seeds=1,
                     generations=6, evaluate=400, audit_every=1)  # fmt: skip
    found = effective_gamma.averages(effective_gamma.measure(compute(settings)))
    (row,) = found
    assert row["generations"] >= 4
    assert row["low"] < gamma < row["high"]
    assert row["high"] - row["low"] < 1.5 * gamma


# The error after T generations


SEEDS, D = 100, 24
"""Axes of the known covariance are chains of their own: 2,400 in all."""


@pytest.fixture(scope="module")
def last(tmp_path_factory):
    """``last(arm, model, ...) -> last states of all seeds, real points [n, d]``."""
    folder = tmp_path_factory.mktemp("errors")

    @functools.cache
    def run(arm, model="mean", d=D):
        settings = small(folder / f"{arm}_{model}", model=model, arms=(arm,), n=(N,), d=d, generations=T, seeds=SEEDS,
                         evaluate=4, audit_every=2 * T)  # fmt: skip
        compute(settings)
        at, (job,) = context(settings), jobs(settings)
        return states(at, job, T), np.asarray(at.data(N).real.x)

    return run


def close(values, expected, least=0.06):
    """The mean over seeds, within four standard errors that are small enough to mean something."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert error < least * expected
    assert abs(values.mean() - float(expected)) < 4 * error


RECURSIONS = {
    "uncorrected": lambda excess: recursions.reuse(N, N, 0.0, 0.0, T, excess),
    "idealised": lambda excess: recursions.reuse(N, N, 1.0, 0.0, T, excess),
    "fresh": lambda excess: recursions.fresh(N, N, 0.0, 0.0, T),
    "replace": lambda excess: recursions.replace(N, N, 0.0, 0.0, T, excess),
    "accumulate": lambda excess: recursions.accumulate(N, N, 0.0, 0.0, T, excess),
}


@pytest.mark.parametrize("arm", RECURSIONS)
def test_the_means_error_is_that_of_the_arms_recursion(last, arm):
    """All seeds have the same real points: their mean's square is 1 / n times the recursion's ``excess``."""
    state, real = last(arm)
    found = RECURSIONS[arm](N * (real.mean(0) ** 2).mean())
    close((state.mean**2).mean(1), found[-1])
    assert np.ptp(found) > 0.1 * found[0]


def test_without_real_data_the_mean_walks_at_random(last):
    state, real = last("replace")
    close(((state.mean - real.mean(0)) ** 2).mean(1), T / N)


def test_without_real_data_the_variance_collapses(last):
    state, real = last("replace", "gaussian", 8)
    close(np.trace(state.covariance, axis1=1, axis2=2), real.var(0).sum() * (1 - 1 / N) ** T, 0.1)


def test_n_points_of_all_there_are_have_the_error_of_drawing_without_replacement(last):
    """About the real points' mean: the pool's mean takes independent steps, the fit's is off by a finite sample."""
    state, real = last("accumulate_subsample")
    pool, spread, total = 0.0, real.var(0).mean(), N
    for t in range(T + 1):
        off = spread / N * (total - N) / (total - 1)
        if t < T:  # n samples of the fit, of variance 1, join the pool
            step = off + 1 / N
            pool += step * (N / (total + N)) ** 2
            spread = (total * spread + N - 1 + step * total * N / (total + N)) / (total + N)
            total += N
    close(((state.mean - real.mean(0)) ** 2).mean(1), pool + off)


# The loop itself


EVERY = {"arms": tuple(ARMS), "lam": (0.5, 1.0), "together": 6, "generations": 3, "evaluate": 8}


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    """Every arm, several cells a job."""
    settings = small(tmp_path_factory.mktemp("every") / "run", **EVERY)
    compute(settings)
    return settings, context(settings), points(settings.out)


@pytest.mark.parametrize("lam", EVERY["lam"])
@pytest.mark.parametrize("name", ARMS)
def test_a_chain_is_the_loop_that_python_would_run(every, name, lam):
    """Whatever its company, and though a job of many lambdas draws more samples than it trains on."""
    settings, at, traces = every
    arm, seed, n = ARMS[name], 1, 8
    lam = lam if arm.synthetic else 0.0
    job = next(job for job in jobs(settings) if (name, lam, seed, seed) in job.chains)
    data, model, m = at.data(n), at.model(job.subject), synthetic_count(lam, n)
    corrector = at.corrector(arm.corrector, job.subject)
    if arm.corrector in ("idealised", "redraw", "smoothing", "failing"):
        m = job.synthetic  # a corrector that is no function of each sample alone sees all that are drawn
    loop = Loop(model, POLICIES[arm.policy](lam), data.sources[arm.source](data.real), max(m, 1), corrector)
    key = jax.random.key(seed)
    carry, _ = begin(loop, key, 3)
    for t in range(4):
        if t:
            carry, _ = generation(loop, key, jnp.asarray(t, jnp.int32), carry)
        draw, _ = jax.random.split(role_key(key, 0, "evaluate"))
        x = model.sample(draw, carry.state, None, 8).x
        np.testing.assert_allclose(traces[name, lam, seed, False][t], x, atol=2e-5)


def test_without_its_own_samples_nothing_changes(every):
    trace = every[2]["baseline", 0.0, 0, False]
    assert len(trace) == 4
    for t in trace:
        np.testing.assert_array_equal(trace[t], trace[0])


def test_every_arm_and_seed_and_lambda_is_another_chain_from_the_same_start(every):
    """The equalities of this file would mean nothing if all were alike."""
    ends = {at: trace[3] for at, trace in every[2].items()}
    assert len({x.tobytes() for x in ends.values()}) == len(ends) == 2 * (2 * len(ARMS) - 1)
    for seed in range(2):
        firsts = [trace[0] for at, trace in every[2].items() if at[2] == seed and at[0] != "fresh"]
        for first in firsts[1:]:
            np.testing.assert_array_equal(first, firsts[0])


def test_a_closed_form_fit_from_scratch_is_the_fit_that_goes_on(every, tmp_path):
    settings = small(tmp_path / "run", **EVERY | {"arms": ("uncorrected", "accumulate")}, refit="from_scratch")
    for at, trace in points(compute(settings)).items():
        for t in trace:
            np.testing.assert_allclose(trace[t], every[2][at][t], atol=1e-5)


class Counted(NamedTuple):
    """A Gaussian, and how often it was fitted since it was made."""

    own: Any
    fits: jax.Array


def counted(settings, data):
    model = GAUSSIAN.model(settings, data)

    def fit(key, batch, state):
        own, info = model.fit(key, batch, state.own)
        return Counted(own, state.fits + 1), info

    return Model(
        lambda key: Counted(model.init(key), jnp.asarray(0, jnp.int32)),
        fit,
        lambda key, state, cond, n: model.sample(key, state.own, cond, n),
    )


@pytest.mark.parametrize(("refit", "fits"), [("finetune", 5 + 3), ("from_scratch", 5)])
def test_generation_0_and_every_fit_from_scratch_take_as_many_calls_as_the_domain_says(tmp_path, refit, fits):
    domain = GAUSSIAN._replace(model=counted, first_fits=lambda settings: 5)
    settings = small(tmp_path / "run", arms=("uncorrected",), refit=refit)
    compute(settings, domain)
    at, (job,) = context(settings, domain), jobs(settings, domain)
    assert states(at, job, 0).fits.tolist() == [5, 5]
    assert states(at, job, 3).fits.tolist() == [fits, fits]


def test_a_fit_from_scratch_is_of_its_key_alone():
    walk = Model(
        lambda key: jax.random.normal(key),
        lambda key, batch, state: (0.5 * state + jax.random.normal(key), {"before": state}),
        None,
    )
    fit, key = from_scratch(walk, 3).fit, jax.random.key(3)
    (one, info), (other, _), (another, _) = fit(key, None, 1.0), fit(key, None, 2.0), fit(jax.random.key(4), None, 1.0)
    assert float(one) == float(other) != float(another)
    last = jax.random.fold_in(jax.random.split(key)[1], 2)
    np.testing.assert_allclose(one, 0.5 * info["before"] + jax.random.normal(last), rtol=1e-5)
