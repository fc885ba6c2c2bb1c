"""Ridge regression in the loop with fresh real data: the best share is golden only where no ridge is needed."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.models.exponential import gaussian_mean
from selfloop.models.states import MeanState
from selfloop.protocols import Loop, Model
from selfloop.stability.golden import optimal_weight, ridge_optimum, ridge_risk
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.chains import chains, half_width

N, M, D, GENERATIONS, SETTLED = 6, 12, 3, 24, 8
K = N / M
COEFFICIENT = 0.3
SIGNAL = COEFFICIENT**2 * N
"""|w*|^2 n / (d sigma^2): little, so that a ridge is worth having."""


def ridge(g: Array) -> Model:
    """Least squares on an orthogonal design, times g: ridge regression of penalty (1 / g - 1) N, N points.

    Every point shows each of the d coefficients once, with noise 1.
    """
    base = gaussian_mean(np.eye(D), jnp.float64)

    def fit(key: Array, batch: Batch, state: MeanState) -> tuple[MeanState, dict]:
        fitted, info = base.fit(key, batch, state)
        return MeanState(g * fitted.mean), info

    return base._replace(fit=fit)


@cache
def measured(shares: tuple[float, ...], shrinks: tuple[float, ...], seeds: int) -> np.ndarray:
    """The squared error of a coefficient [G, S, T + 1] under each share of real data and each ridge."""

    def build(key: Array, setting: dict[str, Array]) -> Loop:
        def draw(key: Array) -> Batch:
            return uniform(COEFFICIENT + jax.random.normal(key, (N, D), jnp.float64))

        return Loop(ridge(setting["g"]), policies.weighted(setting["x"]), sources.fresh(draw), M)

    settings = {"x": np.array(shares), "g": np.array(shrinks)}
    return chains(build, settings, seeds, GENERATIONS, lambda r: jnp.mean((r.state.mean - COEFFICIENT) ** 2), seed=54)


def fed_back(x: np.ndarray, g: np.ndarray, signal: float) -> np.ndarray:
    """What the slip of a bias that is not fed back forgets, with its sign."""
    return (1 - g) ** 2 * signal * (1 - 1 / (1 - g * (1 - x)) ** 2)


def check(effort: Effort) -> Finding:
    """Stationary risks at the best share and ridge, beside them, and at the golden ratio without a ridge."""
    x, g = (float(one) for one in ridge_optimum(K, SIGNAL))
    golden = float(optimal_weight(K))
    share = np.array([x, golden, 0.8, 0.3, 0.9])
    shrink = np.array([g, 1.0, 0.4, 0.8, 0.6])

    error = measured(tuple(share), tuple(shrink), 20 * effort.seeds)
    risk = N * error[:, :, SETTLED:].mean(2)
    exact = np.asarray(ridge_risk(share, shrink, K, SIGNAL))
    grid = np.linspace(0.25, 1, 61)
    far = [float(one) for one in ridge_optimum(K, 1e9)]
    return Finding(
        hypotheses={
            "settled: generation 8 has forgotten the first": bool(
                ((shrink * (1 - share)) ** (2 * SETTLED) < 1e-3).all()
            ),
            "the best share is above the golden ratio, and there is a ridge": x > golden and g < 1,
        },
        comparisons=[
            *(
                mean(f"x = {one:.3g}, g = {two:.3g}: risk", value, found)
                for one, two, value, found in zip(share, shrink, exact, risk, strict=True)
            ),
            *(
                mean(f"x = {share[i]:.3g}, g = {shrink[i]:.3g}: not below the best", 0.0, risk[i] - risk[0], ">=")
                for i in (1, 2, 3, 4)
            ),
            identity("much signal: the best share of `golden.optimal_weight`", golden, far[0], 1e-6),
            identity("much signal: no ridge", 1.0, far[1], 1e-6),
        ],
        control=Control(
            "a near miss: a bias of (1 - g)^2 S, as if the ridge shrank the truth once and fed nothing back",
            mean(
                "x = 0.3, g = 0.8: risk",
                exact[3] + fed_back(share[3], shrink[3], SIGNAL),
                risk[3],
            ),
        ),
        figure=lines(
            [Line(f"g = {one:.2f}", grid, ridge_risk(grid, one, K, SIGNAL)) for one in (1.0, g, 0.6)]
            + [Line("measured", share, None, risk.mean(1), half_width(risk.T))],
            "share of the real data",
            "stationary risk n / sigma^2",
        ),
    )


CLAIM = Claim(
    name="ridge_golden",
    source="arXiv 2509.22341, as recalled; not re-read; an orthogonal design derived here",
    statement="Ridge regression on n fresh real labels of weight x and m of the last model's, an orthogonal "
    "design, the fit times g: risk (1 - g)^2 S / (1 - y)^2 + g^2 (x^2 + k (1 - x)^2) / (1 - y^2), y = g "
    "(1 - x), S the signal over noise. Least where sqrt(k y) (1 + S + (S - 1) y) = S (1 - y^2): the "
    "golden ratio as S grows, more real data otherwise.",
    check=check,
    slips=(
        Slip("the bias not fed back", ridge_risk, lambda right, x, g, k, s: right(x, g, k, s) + fed_back(x, g, s)),
        Slip("1 for g^2 in the variance", ridge_risk, lambda right, x, g, k, s: right(x, g, k / g**2, s)),
        Slip("no synthetic noise", ridge_risk, lambda right, x, g, k, s: right(x, g, 0.0, s)),
        Slip("n for m", ridge_risk, lambda right, x, g, k, s: right(x, g, 1.0, s)),
        Slip("half", ridge_risk, scaled(0.5)),
        Slip("golden whatever the signal", ridge_optimum, lambda right, k, s: (optimal_weight(k), 1.0)),
        Slip("S^2 for S", ridge_optimum, lambda right, k, s: right(k, s**2)),
    ),
)
