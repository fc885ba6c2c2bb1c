"""The corollary of Theorem 4.3: correction makes the loop exponentially more stable, until sampling error is left.

The corollary is as recalled; it was not re-read in the paper.
"""

import numpy as np

from selfloop.stability import rates, recursions
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, equal, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import cases, mean_loop
from theory.shared.chains import half_width

ROWS = (1, 4, 5)
"""Of the settings: lambda 0.4 with gamma 0, 1, 3."""
LAM, GAMMAS = 0.4, (0.0, 1.0, 3.0)
T = mean_loop.GENERATIONS


def gain(gamma: float, t: np.ndarray) -> np.ndarray:
    """(1 + gamma)^-t: what is left of a start's error with correction, over what is left without."""
    return (1.0 + gamma) ** -np.asarray(t, float)


def check(effort: Effort) -> Finding:
    """What is left of a start's error with correction over what is left without; and the error of finite samples."""
    case, at = cases.gaussian_on_skew(), np.arange(cases.GENERATIONS + 1)
    error = cases.decay(case, [LAM] * 3, GAMMAS, 1e-3 * cases.directions(case)[:1])[:, 0]
    left = np.linalg.norm(error, axis=-1)
    gained = left[1:] / left[:1]
    square = mean_loop.errors(40 * effort.seeds)[list(ROWS)] ** 2
    path = [np.asarray(recursions.reuse(mean_loop.N, 4, gamma, 0.0, T)) for gamma in GAMMAS]
    published = [float(rates.gillman(LAM, gamma, 0.0)) for gamma in GAMMAS]
    return Finding(
        hypotheses={
            "generation 0 is one fit to 10 points": bool(
                abs(square[0, :, 0].mean() - 0.1) <= half_width(square[0, :, 0])
            ),
        },
        comparisons=[
            *(
                equal(f"infinite samples: error with gamma {g:g} over that without, t = 6", gain(g, 6), one[6], 1e-6)
                for g, one in zip(GAMMAS[1:], gained, strict=True)
            ),
            *(
                identity(f"the theorem's factor, gamma {g:g} over gamma 0", 1 / (1 + g), one / published[0], 1e-12)
                for g, one in zip(GAMMAS[1:], published[1:], strict=True)
            ),
            *(
                mean(f"n = 10: mean square error at t = 12, gamma {g:g}", one[T], found[:, T])
                for g, one, found in zip(GAMMAS, path, square, strict=True)
            ),
            *(
                mean(f"n = 10: mean square with gamma {g:g} less that without", 0, found[:, T] - square[0, :, T], "<=")
                for g, found in zip(GAMMAS[1:], square[1:], strict=True)
            ),
        ],
        control=Control(
            "with finite samples the mean square is not (1 + gamma)^t times smaller: the sampling error stays",
            mean("n = 10: mean square error at t = 1, gamma 1", path[0][1] / 2, square[1, :, 1]),
        ),
        figure=lines(
            [
                *(
                    Line(f"infinite samples, gamma {g:g}", at, gain(g, at), one)
                    for g, one in zip(GAMMAS[1:], gained, strict=True)
                ),
                *(
                    Line(
                        f"n = 10, gamma {g:g}",
                        at,
                        one[:7] / path[0][:7],
                        found[:, :7].mean(0) / square[0, :, :7].mean(0),
                    )
                    for g, one, found in zip(GAMMAS[1:], path[1:], square[1:], strict=True)
                ),
            ],
            "generation",
            "error with / without correction (n = 10: squared)",
            yscale="log",
        ),
        definitions=[
            "lambda (1 + eps L / alpha) = 0.4 < (1 + gamma) / (2 + gamma), as L = 0",
            "floor(lambda n) = 4 is lambda n exactly",
        ],
    )


CLAIM = Claim(
    name="gillman_corollary",
    source=f"Gillman et al., ICML 2024 (arXiv 2402.07087), corollary of Theorem 4.3, {RECALLED}; finite samples: "
    "derived here",
    statement="With gamma > 0 what is left of a start's error after t generations is (1 + gamma)^t times smaller than "
    "without correction; the error of finite samples is smaller too, though not by that factor.",
    check=check,
    slips=(
        Slip("one generation off", gain, lambda right, gamma, t: right(gamma, np.asarray(t) - 1)),
        Slip("tau² for tau", gain, lambda right, gamma, t: right(gamma, 2 * np.asarray(t))),
        Slip("a factor 2", gain, scaled(2.0)),
        Slip(
            "the cross term left out",
            recursions.reuse,
            lambda right, *args, **kwargs: recursions.fresh(*args, **kwargs),
        ),
        Slip("a factor 2 at finite n", recursions.reuse, scaled(2.0)),
    ),
)
