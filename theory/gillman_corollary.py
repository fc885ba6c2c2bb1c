"""The corollary of Theorem 4.3: correction makes the loop exponentially more stable, until sampling error is left."""

import numpy as np

from selfloop.stability import rates, recursions
from theory.frame.claim import Claim, Control, Effort, Finding, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared import cases, mean_loop

ROWS = (1, 4, 5)
"""Of the settings: lambda 0.45 with gamma 0, 1, 3."""
LAM, GAMMAS = 0.45, (0.0, 1.0, 3.0)
T = mean_loop.GENERATIONS


def check(effort: Effort) -> Finding:
    """What is left of a start's error with correction over what is left without; and the error of finite samples."""
    case, at = cases.gaussian_on_skew(), np.arange(cases.GENERATIONS + 1)
    error = cases.decay(case, [LAM] * 3, GAMMAS, 1e-3 * cases.directions(case)[:1])[:, 0]
    left = np.linalg.norm(error, axis=-1)
    gain = left[1:] / left[:1]
    square = mean_loop.errors(2 * effort.seeds)[list(ROWS)] ** 2
    path = [np.asarray(recursions.reuse(mean_loop.N, 18, gamma, 0.0, T)) for gamma in GAMMAS]
    published = [float(rates.gillman(LAM, gamma, 0.0)) for gamma in GAMMAS]
    return Finding(
        hypotheses={
            "lambda (1 + eps L / alpha) < (1 + gamma) / (2 + gamma)": bool(
                np.all(rates.gillman_condition(LAM, np.array(GAMMAS), 0.0))
            ),
            "floor(lambda n) = 18 is lambda n exactly": LAM * mean_loop.N == 18,
        },
        comparisons=[
            *(
                equal(f"infinite samples: error with gamma {g:g} over that without, t = 6", (1 + g) ** -6, one[6], 1e-6)
                for g, one in zip(GAMMAS[1:], gain, strict=True)
            ),
            *(
                equal(f"the theorem's factor, gamma {g:g} over gamma 0", 1 / (1 + g), one / published[0], 1e-12)
                for g, one in zip(GAMMAS[1:], published[1:], strict=True)
            ),
            *(
                mean(f"n = 40: mean square error at t = 30, gamma {g:g}", one[T], found[:, T])
                for g, one, found in zip(GAMMAS, path, square, strict=True)
            ),
            *(
                mean(f"n = 40: mean square with gamma {g:g} less that without", 0, found[:, T] - square[0, :, T], "<=")
                for g, found in zip(GAMMAS[1:], square[1:], strict=True)
            ),
        ],
        control=Control(
            "with finite samples the error itself is not (1 + gamma)^t times smaller: the sampling error stays",
            mean("n = 40: mean square error at t = 6, gamma 1", path[0][6] / 2**12, square[1, :, 6]),
        ),
        figure=lines(
            [
                *(
                    Line(f"infinite samples, gamma {g:g}", at, (1 + g) ** -at.astype(float), one)
                    for g, one in zip(GAMMAS[1:], gain, strict=True)
                ),
                *(
                    Line(
                        f"n = 40, gamma {g:g}",
                        at,
                        one[:7] / path[0][:7],
                        found[:, :7].mean(0) / square[0, :, :7].mean(0),
                    )
                    for g, one, found in zip(GAMMAS[1:], path[1:], square[1:], strict=True)
                ),
            ],
            "generation",
            "error with / without correction (n = 40: squared)",
            yscale="log",
        ),
    )


CLAIM = Claim(
    name="gillman_corollary",
    source="Gillman et al., ICML 2024 (arXiv 2402.07087), corollary of Theorem 4.3; finite samples: derived here",
    statement="With gamma > 0 what is left of a start's error after t generations is (1 + gamma)^t times smaller than "
    "without correction; the error of finite samples is smaller too, though not by that factor.",
    check=check,
)
