"""Ridge regression in the loop with fresh real data: the best share is golden only where no ridge is needed."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.models.exponential import gaussian_mean
from selfloop.models.states import MeanState
from selfloop.protocols import Loop, Model
from selfloop.stability.golden import ridge_optimum, ridge_risk
from theory.frame.claim import Claim, Control, Effort, Finding, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import chains, half_width

N, D, GENERATIONS, SETTLED = 6, 3, 24, 8
COEFFICIENT = 0.7
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


def check(effort: Effort) -> Finding:
    """Stationary risks at the best share and ridge, beside them, and at the golden ratio without a ridge."""
    x, g = (float(one) for one in ridge_optimum(1.0, SIGNAL))
    golden = 2 / (1 + 5**0.5)
    share = np.array([x, golden, golden, x, 0.3, 0.9])
    shrink = np.array([g, g, 1.0, 1.0, 0.8, 0.6])

    def build(key: Array, setting: dict[str, Array]) -> Loop:
        def draw(key: Array) -> Batch:
            return uniform(COEFFICIENT + jax.random.normal(key, (N, D), jnp.float64))

        return Loop(ridge(setting["g"]), policies.weighted(setting["x"]), sources.fresh(draw), N)

    error = chains(
        build,
        {"x": share, "g": shrink},
        5 * effort.seeds,
        GENERATIONS,
        lambda result: jnp.mean((result.state.mean - COEFFICIENT) ** 2),
        seed=54,
    )
    risk = N * error[:, :, SETTLED:].mean(2)
    exact = np.asarray(ridge_risk(share, shrink, 1.0, SIGNAL))
    grid = np.linspace(0.25, 1, 61)
    far = [float(one) for one in ridge_optimum(1.0, 1e9)]
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
                for i in (2, 3, 4, 5)
            ),
            equal("much signal: the best share is 1 / golden ratio", golden, far[0], 1e-6),
            equal("much signal: no ridge", 1.0, far[1], 1e-6),
        ],
        control=Control(
            "a near miss: a bias of (1 - g)^2 S, as if the ridge shrank the truth once and fed nothing back",
            mean(
                "x = 0.3, g = 0.8: risk",
                exact[4] - 0.04 * SIGNAL / (1 - 0.8 * 0.7) ** 2 + 0.04 * SIGNAL,
                risk[4],
            ),
        ),
        figure=lines(
            [Line(f"g = {one:.2f}", grid, ridge_risk(grid, one, 1.0, SIGNAL)) for one in (1.0, g, 0.6)]
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
)
