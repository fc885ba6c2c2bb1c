"""Three loops under sampling bias: quality preferred to diversity."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.models.gaussian import gaussian
from selfloop.models.states import GaussianState
from selfloop.protocols import Loop, Model
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import chains, half_width, renewed
from theory.shared.workflows import unbiased

N = 4
GENERATIONS = 10
BIAS = np.array([1.0, 0.5])
SETTLED = 6
W = 0.5


def narrowed(model: Model, bias: jax.Array) -> Model:
    """A Gaussian model that samples N(mean, bias covariance)."""

    def sample(key: jax.Array, state: GaussianState, cond: None, n: int) -> Batch:
        return model.sample(key, state._replace(covariance=bias * state.covariance), cond, n)

    return model._replace(sample=sample)


def moments(bias: float, *, new: bool) -> tuple[np.ndarray, np.ndarray]:
    """E Sigma_t and E e_t^2 [T + 1], n = m, in units of Sigma*, by the recursions of `CLAIM`."""
    s, a, v = 1 / N, 1 / N, 1 - 1 / N
    path = [(v, s)]
    for _ in range(GENERATIONS):
        total = (1 - W) + W * (bias * v + s)
        s, a = (1 - W) ** 2 / N + tie(a, new=new) + W**2 * s + drawn(bias, v), (1 - W) / N + W * a
        v = total - s
        path.append((v, s))
    return tuple(np.array(path).T)


def tie(a: float, *, new: bool) -> float:
    """2 (1 - w) w a, what the model shares with real points that are the same; 0 with new ones."""
    return 0.0 if new else 2 * (1 - W) * W * a


def drawn(bias: float, v: float) -> float:
    """w^2 / m b E Sigma, the variance of the synthetic points' mean."""
    return W**2 / N * bias * v


def alone_law(bias: float) -> np.ndarray:
    """E Sigma_t = b^t [T + 1] of the fully synthetic loop with unbiased fits."""
    return bias ** np.arange(GENERATIONS + 1)


def variances(bias: float, *, new: bool) -> np.ndarray:
    """The first of `moments`."""
    return moments(bias, new=new)[0]


def draw(key: jax.Array) -> Batch:
    """N points of N(0, 1)."""
    return uniform(jax.random.normal(key, (N, 1), jnp.float64))


def synthetic(key: jax.Array, bias: jax.Array) -> Loop:
    """Fully synthetic, unbiased fits, as in the paper."""
    model = unbiased(narrowed(gaussian(1, jnp.float64), bias))
    return Loop(model, policies.replace(), sources.fixed(draw(key)), N)


def mixed(key: jax.Array, setting: dict[str, jax.Array]) -> Loop:
    """Synthetic augmentation (the same real points) or fresh data (new ones), as the setting says."""
    model = narrowed(gaussian(1, jnp.float64), setting["bias"])
    return Loop(model, policies.augment(1.0), renewed(draw, key, setting["new"]), N)


SETTINGS = {"new": np.array([False, False, True, True]), "bias": np.tile(BIAS, 2)}


@cache
def _alone(seeds: int) -> np.ndarray:
    """Variances [biases, S, T + 1] of the fully synthetic loop."""
    return chains(synthetic, BIAS, seeds, GENERATIONS, lambda result: result.state.covariance[0, 0], seed=13)


@cache
def _beside(seeds: int) -> dict[str, np.ndarray]:
    """Variances and squared errors of the mean [settings, S, T + 1] of the loops with real data."""
    return chains(
        mixed,
        SETTINGS,
        seeds,
        GENERATIONS,
        lambda result: {"variance": result.state.covariance[0, 0], "square": result.state.mean[0] ** 2},
        seed=14,
    )


def check(effort: Effort) -> Finding:
    """Expected variance with and without bias in the three loops."""
    seeds = 50 * effort.seeds
    alone, beside = _alone(seeds), _beside(seeds)
    t, new, biases = np.arange(GENERATIONS + 1), SETTINGS["new"], SETTINGS["bias"]
    theory = [moments(bias, new=one) for one, bias in zip(new, biases, strict=True)]
    kinds = ["fresh data" if one else "synthetic augmentation" for one in new]
    beyond = [one[SETTLED:].mean() for one, _ in theory]
    return Finding(
        hypotheses={
            "fits of the fully synthetic loop are unbiased: E Sigma_0 = Sigma*": bool(
                abs(alone[0][:, 0].mean() - 1) <= half_width(alone[0][:, 0])
            ),
        },
        comparisons=[
            *(
                mean(f"fully synthetic, bias {bias:g}: E Sigma, t = {one}", alone_law(bias)[one], alone[i][:, one])
                for i, bias in enumerate(BIAS)
                for one in (1, 2)
            ),
            *(
                mean(f"{kind}, bias {bias:g}: E Sigma, t = 6 to 10", level, one[:, SETTLED:].mean(1))
                for kind, bias, level, one in zip(kinds, biases, beyond, beside["variance"], strict=True)
            ),
            *(
                mean(f"{kind}, bias {bias:g}: E e², t = {at}", s[at], one[:, at])
                for kind, bias, (_, s), one in zip(kinds, biases, theory, beside["square"], strict=True)
                for at in (1, GENERATIONS)
            ),
        ],
        control=Control(
            "the bias left out of E e²",
            mean("fresh data, bias 0.5: E e², t = 10", theory[2][1][-1], beside["square"][3][:, -1]),
        ),
        figure=lines(
            [
                *(
                    Line(f"fully synthetic, bias {bias:g}", t, alone_law(bias), one.mean(0), half_width(one))
                    for bias, one in zip(BIAS[1:], alone[1:], strict=True)
                ),
                *(
                    Line(f"{kind}, bias {bias:g}", t, path, one.mean(0), half_width(one))
                    for kind, bias, (path, _), one in zip(kinds, biases, theory, beside["variance"], strict=True)
                ),
            ],
            "generation",
            "E Sigma / Sigma*",
        ),
        definitions=["bias in (0, 1]"],
    )


CLAIM = Claim(
    name="mad_loops",
    source=f"Alemohammad et al. 2024 (arXiv 2307.01850; {RECALLED}); the loops with real data derived here",
    statement="Samples of N(mu, b Sigma). Fully synthetic with unbiased fits: E Sigma_t = b^t Sigma*. With real data, "
    "re-used or fresh, E[Sigma' + e'^2] = (1 - w) Sigma* + w E[b Sigma + e^2] with the recursion of E e^2: the "
    "variance levels off.",
    check=check,
    slips=(
        Slip("b² for b", alone_law, lambda right, bias: right(bias**2)),
        Slip("one generation off", alone_law, early),
        Slip("the bias left out of e²", drawn, lambda right, bias, v: right(1.0, v)),
        Slip("w / m for w² / m", drawn, scaled(1 / W)),
        Slip("half the synthetic noise", drawn, scaled(0.5)),
        Slip("the cross term left out", tie, lambda right, a, new: 0.0),
        Slip("half the cross term", tie, scaled(0.5)),
    ),
)
