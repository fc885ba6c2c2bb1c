"""Three loops under sampling bias: quality preferred to diversity."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.models.gaussian import gaussian
from selfloop.models.states import GaussianState
from selfloop.protocols import Loop, Model
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import chains, half_width, renewed
from theory.shared.workflows import unbiased

N = 10
GENERATIONS = 12
BIAS = np.array([1.0, 0.8])
W = 0.5


def narrowed(model: Model, bias: jax.Array) -> Model:
    """A Gaussian model that samples N(mean, bias covariance)."""

    def sample(key: jax.Array, state: GaussianState, cond: None, n: int) -> Batch:
        return model.sample(key, state._replace(covariance=bias * state.covariance), cond, n)

    return model._replace(sample=sample)


def variances(bias: float, *, new: bool) -> np.ndarray:
    """E Sigma_t [T + 1] of maximum likelihood fits, n = m, in units of Sigma*, by the recursions of `CLAIM`."""
    s, a, v = 1 / N, 1 / N, 1 - 1 / N
    path = [v]
    for _ in range(GENERATIONS):
        total = (1 - W) + W * (bias * v + s)
        tie = 0.0 if new else 2 * (1 - W) * W * a
        s, a = (1 - W) ** 2 / N + tie + W**2 * s + W**2 / N * bias * v, (1 - W) / N + W * a
        v = total - s
        path.append(v)
    return np.array(path)


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


def check(effort: Effort) -> Finding:
    """Expected variance with and without bias in the three loops."""

    def variance(result):
        return result.state.covariance[0, 0]

    alone = chains(synthetic, BIAS, 5 * effort.seeds, GENERATIONS, variance, seed=13)
    settings = {"new": np.array([False, False, True, True]), "bias": np.tile(BIAS, 2)}
    beside = chains(mixed, settings, 5 * effort.seeds, GENERATIONS, variance, seed=14)
    t = np.arange(GENERATIONS + 1)
    theory = [variances(bias, new=new) for new, bias in zip(settings["new"], settings["bias"], strict=True)]
    kinds = ["fresh data" if new else "synthetic augmentation" for new in settings["new"]]
    return Finding(
        hypotheses={
            "bias in (0, 1]": bool(((BIAS > 0) & (BIAS <= 1)).all()),
            "fits of the fully synthetic loop are unbiased: E Sigma_0 = Sigma*": bool(
                abs(alone[0][:, 0].mean() - 1) <= half_width(alone[0][:, 0])
            ),
            "with real data the variance levels off above (1 - w) / (1 - w bias) / 2": all(
                one[-1] > (1 - W) / (1 - W * bias) / 2 for one, bias in zip(theory, settings["bias"], strict=True)
            ),
        },
        comparisons=[
            *(
                mean(f"fully synthetic, bias {bias:g}: E Sigma, t = {one}", bias**one, alone[i][:, one])
                for i, bias in enumerate(BIAS)
                for one in (5, 10)
            ),
            *(
                mean(f"{kind}, bias {bias:g}: E Sigma, t = 6 to 12", path[6:].mean(), one[:, 6:].mean(1))
                for kind, bias, path, one in zip(kinds, settings["bias"], theory, beside, strict=True)
            ),
        ],
        control=Control(
            "the fully synthetic loop with bias 0.8 keeps its variance, as without bias",
            mean("fully synthetic, bias 0.8: E Sigma, t = 10", 1.0, alone[1][:, 10]),
        ),
        figure=lines(
            [
                *(
                    Line(f"fully synthetic, bias {bias:g}", t, bias**t, one.mean(0), half_width(one))
                    for bias, one in zip(BIAS[1:], alone[1:], strict=True)
                ),
                *(
                    Line(f"{kind}, bias {bias:g}", t, path, one.mean(0), half_width(one))
                    for kind, bias, path, one in zip(kinds, settings["bias"], theory, beside, strict=True)
                ),
            ],
            "generation",
            "E Sigma / Sigma*",
        ),
    )


CLAIM = Claim(
    name="mad_loops",
    source="Alemohammad et al. 2024 (arXiv 2307.01850); the loops with real data derived here",
    statement="Samples of N(mu, b Sigma). Fully synthetic with unbiased fits: E Sigma_t = b^t Sigma*. With real data, "
    "re-used or fresh, E[Sigma' + e'^2] = (1 - w) Sigma* + w E[b Sigma + e^2] with the recursion of E e^2: the "
    "variance levels off.",
    check=check,
)
