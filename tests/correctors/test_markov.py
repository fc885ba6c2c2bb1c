"""Markov kernels and their ablations, against exact laws: invariance, detailed balance, spectra, energies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import Batch, uniform
from selfloop.correctors.markov import hmc, langevin, trace
from selfloop.correctors.unadjusted import minimisation, unadjusted_langevin
from selfloop.errors import ConfigError
from selfloop.testing.mixture import Mixture, draw_from
from selfloop.testing.properties import follows
from tests.correctors.once import once
from tests.tables import KERNELS, normal_log_density

N = 4096
LAW = Mixture(np.asarray([0.3, 0.7]), np.asarray([[-1.0, 0.5], [1.0, 0.0]]), np.asarray([np.eye(2), 0.3 * np.eye(2)]))


def mixture_log_density(x):
    """log p of `LAW` [N]."""
    parts = [
        jnp.log(jnp.float32(weight / variance)) - ((x - jnp.asarray(mean, x.dtype)[None]) ** 2).sum(1) / (2 * variance)
        for weight, mean, variance in ((0.3, LAW.means[0], 1.0), (0.7, LAW.means[1], 0.3))
    ]
    return jnp.logaddexp(*parts)


@pytest.mark.parametrize("name", KERNELS)
def test_the_law_is_invariant_and_most_proposals_are_taken(name):
    result, info = once(KERNELS[name](mixture_log_density), 1, uniform(draw_from(LAW)(jax.random.key(0), N)))
    follows(result, LAW)
    assert 0.5 < float(info["accepted"].mean()) < 0.99
    assert float(info["moved"].mean()) > 0.5


@pytest.mark.parametrize("make", [unadjusted_langevin, minimisation])
def test_the_ablations_leave_no_law_invariant(make):
    result, _ = once(make(mixture_log_density, 8, 0.9), 1, uniform(draw_from(LAW)(jax.random.key(0), N)))
    with pytest.raises(AssertionError, match="is off by"):
        follows(result, LAW)


@pytest.mark.parametrize("name", KERNELS)
def test_detailed_balance(name):
    """Of stationary x and its correction y, E f(x) g(y) = E g(x) f(y), functions not even and not odd alike."""
    x = draw_from(LAW)(jax.random.key(2), 4 * N)
    y = once(KERNELS[name](mixture_log_density), 3, uniform(x))[0].x
    functions = lambda z: np.stack([z[:, 0], np.exp(z[:, 1]), z[:, 0] > 1, np.sin(z @ np.ones(2))], 1)  # noqa: E731
    f, g = functions(np.asarray(x, float)), functions(np.asarray(y, float))
    flow = np.einsum("ni,nj->nij", f, g) - np.einsum("ni,nj->nij", g, f)
    above = np.triu_indices(4, 1)
    mean, error = flow.mean(0)[above], flow.std(0)[above] / np.sqrt(len(x))
    assert (abs(mean) <= 5 * error).all(), mean / error


def test_langevin_is_hmc_of_one_leapfrog_step_and_the_proposal_is_langevins():
    """On N(0, 1) a step that is taken is (1 - h^2/2) x + h xi: as many samples, and nothing else, move so."""
    x, h = jax.random.normal(jax.random.key(0), (N, 1)), 0.8
    batch = uniform(x)
    one, info = once(langevin(normal_log_density, 1, h), 1, batch)
    jax.tree.map(np.testing.assert_array_equal, one, once(hmc(normal_log_density, 1, h, 1), 1, batch)[0])
    moved = np.asarray(info["accepted"]) > 0
    noise = (np.asarray(one.x - (1 - h**2 / 2) * x) / h)[moved, 0]
    assert abs(noise.mean()) < 5 / np.sqrt(moved.sum())
    np.testing.assert_array_equal(np.asarray(one.x)[~moved], np.asarray(x)[~moved])
    np.testing.assert_array_equal(info["work"], 2)


def test_hmc_turns_a_normal_by_its_time():
    """Small steps solve Hamilton's equations: the mean of N(0, I) turns by cos(L h) every step, none is refused."""
    angle, k = 1.0, 3
    batch = uniform(2 + jax.random.normal(jax.random.key(0), (N, 2)))
    result, info = once(hmc(normal_log_density, k, angle / 32, 32), 1, batch)
    assert float(info["accepted"].mean()) > 0.99
    np.testing.assert_allclose(result.x.mean(0), 2 * np.cos(angle) ** k, atol=5 / np.sqrt(N) + 0.01)
    np.testing.assert_array_equal(info["work"], 3 * 32 + 1)


def test_scale_is_a_change_of_unit():
    """In coordinates s z the kernel is the one of z."""
    z, s = jax.random.normal(jax.random.key(0), (64, 2)), np.asarray([10.0, 0.1], np.float32)
    plain = once(hmc(normal_log_density, 4, 0.5, 3), 1, uniform(z))[0].x
    scaled = once(hmc(lambda x: normal_log_density(x / s[None]), 4, 0.5, 3, s), 1, uniform(z * s[None]))[0].x
    np.testing.assert_allclose(scaled / s[None], plain, rtol=1e-4, atol=1e-4)


def test_samples_may_be_pytrees_and_steps_traced():
    density = lambda x: -(x["a"] ** 2).sum((1, 2)) / 2 - x["b"] ** 2 / 2  # noqa: E731
    batch = uniform({"a": jnp.ones((5, 2, 3)), "b": jnp.zeros(5)})
    correct = lambda k: langevin(density, k, 0.5)(jax.random.key(0), batch, None)[0].x  # noqa: E731
    none, some = jax.jit(jax.vmap(correct))(jnp.asarray([0, 3]))["a"]
    np.testing.assert_array_equal(none, batch.x["a"])
    assert (some != batch.x["a"]).any()


def test_what_the_law_does_not_know_fails():
    density = lambda x: jnp.where(x[:, 0] > 0, -x[:, 0], -jnp.inf)  # noqa: E731
    batch = uniform(jnp.asarray([[1.0], [-1.0], [2.0]]))
    result, info = once(langevin(density, 20, 1.0), 0, batch)
    np.testing.assert_array_equal(info["failed"], [False, True, False])
    assert result.weight[1] == 0
    assert (result.x[jnp.asarray([0, 2])] > 0).all()


def test_unadjusted_steps_heat_and_minimisation_freezes():
    """Variances (1 - h^2/2)^2 v + h^2, and without noise (1 - h^2/2)^(2k) v."""
    h, batch = 1.0, uniform(jax.random.normal(jax.random.key(0), (4 * N, 1)))
    error = 5 * np.sqrt(2 / (4 * N))
    heat = lambda k: unadjusted_langevin(normal_log_density, k, h)(jax.random.key(1), batch, None)[0].x.var()  # noqa: E731
    hot, settled = jax.jit(jax.vmap(heat))(jnp.asarray([1, 20]))
    np.testing.assert_allclose([hot, settled], [1.25, 4 / 3], rtol=error)
    cold = once(minimisation(normal_log_density, 3, h), 1, batch)[0].x
    np.testing.assert_allclose(cold, batch.x / 8, rtol=1e-5)


@pytest.mark.parametrize("make", [langevin, unadjusted_langevin, minimisation])
def test_what_no_kernel_can_do_is_refused(make):
    with pytest.raises(ConfigError, match="steps is -1"):
        make(normal_log_density, -1, 0.5)
    with pytest.raises(ConfigError, match="step_size is 0"):
        make(normal_log_density, 1, 0.0)
    with pytest.raises(ConfigError, match="leapfrog is 0"):
        hmc(normal_log_density, 1, 0.5, 0)


def test_trace_follows_the_chains():
    batch = Batch(jnp.arange(6.0).reshape(3, 2), jnp.ones(3))
    corrector = lambda key, batch, state: (batch._replace(x=batch.x + 1), {})  # noqa: E731
    end, seen = trace(corrector, jax.random.key(0), batch, lambda x: x[:, :1], 4)
    np.testing.assert_array_equal(end.x, batch.x + 4)
    np.testing.assert_array_equal(seen, np.asarray(batch.x)[:, None, :1] + np.arange(5)[None, :, None])


@pytest.mark.slow
@pytest.mark.parametrize("leapfrog", [1, 5])
def test_blackjax_accepts_and_moves_alike(leapfrog):
    """The kernels of BlackJAX as an oracle, from the same points far off the law: acceptance, mean and spread."""
    blackjax = pytest.importorskip("blackjax")
    h, k, start = 0.7, 6, jnp.tile(jnp.asarray([[2.5, -1.0]]), (4 * N, 1))
    density = lambda x: mixture_log_density(x[None])[0]  # noqa: E731
    kernel = blackjax.hmc(density, h, jnp.ones(2), leapfrog) if leapfrog > 1 else blackjax.mala(density, h**2 / 2)

    def chain(key, x):
        step = lambda state, key: (lambda out: (out[0], out[1].is_accepted))(kernel.step(key, state))  # noqa: E731
        end, accepted = jax.lax.scan(step, kernel.init(x), jax.random.split(key, k))
        return end.position, accepted.mean()

    theirs, accepted = jax.jit(jax.vmap(chain))(jax.random.split(jax.random.key(0), 4 * N), start)
    result, info = once(hmc(mixture_log_density, k, h, leapfrog), 1, uniform(start))
    pair = lambda x, a: np.concatenate([x, x**2, np.asarray(a)[:, None]], 1)  # noqa: E731
    one, other = pair(result.x, info["accepted"]), pair(theirs, accepted)
    error = np.sqrt((one.var(0) + other.var(0)) / (4 * N))
    assert (abs(one.mean(0) - other.mean(0)) <= 5 * error).all()
