"""Exponential families: the loop is linear in the mean parameters, from anywhere and for any data."""

import jax
import jax.numpy as jnp
import numpy as np

import selfloop
from selfloop.models.charts import mean_parameters
from selfloop.models.gaussian import gaussian
from selfloop.models.states import GaussianState
from selfloop.stability import rates
from theory.claim import Claim, Control, Effort, Finding, equal
from theory.drawing import Line, lines
from theory.population import grid, normal_mixture, population, starting, weigh

LAM = np.array([0.5, 0.5, 2.0, 2.0, 10.0, 10.0])
GAMMA = np.array([0.0, 1.0, 0.0, 1.0, 0.3, np.inf])
GENERATIONS = 12


def check(effort: Effort) -> Finding:
    """A Gaussian fitted to a skew mixture, from a start far away: the error of (E x, E x^2) falls by r each time."""
    model, cells = gaussian(1, jnp.float64), grid()
    data = weigh(cells, normal_mixture(cells.x, [0.7, 0.3], [-0.5, 2.0], [0.5, 1.2]))
    star, _ = model.fit(jax.random.key(0), data, None)
    chart, far = mean_parameters(1).theta, GaussianState(jnp.full(1, 4.0), jnp.full((1, 1), 9.0))

    @jax.jit
    @jax.vmap
    def errors(lam, gamma):
        loop = population(model, cells, data, weigh(cells, jnp.exp(model.log_prob(star, cells.x))), lam, gamma)
        loop = loop._replace(first_fit=starting(model, lambda state: far))
        carry, path = selfloop.scan(loop, jax.random.key(0), GENERATIONS, lambda key, result: result.state)
        return jax.vmap(chart)(path) - chart(star)[None], jnp.log(path.covariance[:, 0, 0] / star.covariance[0, 0])

    error, spread = map(np.asarray, errors(LAM, GAMMA))
    size = np.linalg.norm(error, axis=-1)
    ratio, predicted = size[:, 1:] / size[:, :1], rates.exact(LAM, GAMMA)
    powers = np.asarray(predicted)[:, None] ** np.arange(1, GENERATIONS + 1)
    compared = [
        equal(f"error ratio, lambda {lam:g}, gamma {gamma:g}", r, one[0], 1e-9)
        for lam, gamma, r, one in zip(LAM, GAMMA, predicted, ratio, strict=True)
    ]
    return Finding(
        hypotheses={
            "exponential family": True,
            "the start is not near theta*": bool(size[0, 0] > 1),
            "mean parameters inside their space in all generations": bool(np.isfinite(spread).all()),
        },
        comparisons=[*compared, equal("largest distance from r^t, 12 generations", 0, abs(ratio - powers).max(), 1e-9)],
        control=Control(
            "in the logarithm of the variance the same loop is not linear: its error does not fall by r",
            equal("error ratio in log s^2, lambda 0.5, gamma 0", predicted[0], spread[0, 1] / spread[0, 0], 1e-3),
        ),
        figure=lines(
            [
                Line(f"lambda {lam:g}, gamma {gamma:g}", np.arange(GENERATIONS + 1), np.r_[1, p], np.r_[1, m])
                for lam, gamma, p, m in zip(LAM[:5], GAMMA[:5], powers, ratio, strict=False)
            ],
            "generation",
            "error of the mean parameters / start",
            yscale="log",
        ),
    )


CLAIM = Claim(
    name="exponential_global",
    source="derived here: maximum likelihood in an exponential family is moment matching",
    statement="In an exponential family with mean parameters mu, mu_t - mu* = r^t (mu_0 - mu*) with "
    "r = lambda / ((1 + lambda) (1 + gamma)): for any data, any start, any lambda.",
    check=check,
)
