"""Accumulate-subsample: a budget of n points drawn from all that ever was."""

import numpy as np

from selfloop.stability import recursions
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.workflows import GAMMA, GENERATIONS, N, predicted, workflows

NAME = "accumulate-subsample"
TIMES = (1, 5, 10, 20)


def check(effort: Effort) -> Finding:
    """The fit's error along the generations, without and with correction; the plateau above accumulation's."""
    errors = workflows(5 * effort.seeds)[NAME]["error"]
    theory = [predicted(NAME, gamma) for gamma in GAMMA]
    late = predicted(NAME, 0.0, 4000)
    all_kept = float(recursions.accumulate_limit(N, -1.0))
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "the recursion has a plateau: generation 4000 is within 1 % of generation 1000": bool(
                abs(late[-1] / late[1000] - 1) < 0.01
            ),
            "the plateau lies above accumulation's": bool(late[-1] > all_kept),
        },
        comparisons=[
            *(
                mean(f"s, gamma {gamma:g}, t = {one}", s[one], error[:, one])
                for gamma, s, error in zip(GAMMA, theory, errors, strict=True)
                for one in TIMES
            ),
            mean("gamma 0, t = 20: above accumulation's limit", all_kept, errors[0][:, -1], ">="),
        ],
        control=Control(
            "the same prediction as if all points were kept for the fit",
            mean("s, gamma 0, t = 20", predicted("accumulate", 0.0)[-1], errors[0][:, -1]),
        ),
        figure=lines(
            [
                *(
                    Line(f"gamma {gamma:g}", t, s, error.mean(0), half_width(error))
                    for gamma, s, error in zip(GAMMA, theory, errors, strict=True)
                ),
                Line("plateau, gamma 0", t, np.full(t.size, late[-1]), dashed=True),
                Line("accumulation's limit, gamma 0", t, np.full(t.size, all_kept), dashed=True),
            ],
            "generation",
            "error of the mean s",
        ),
    )


CLAIM = Claim(
    name="subsample_plateau",
    source="Kazdan et al. 2024 (arXiv 2410.16713) for the workflow; the exact recursion is derived here",
    statement="Fits on n points drawn without replacement from a pool that keeps everything: E = B + (1 - B)(N - n) / "
    "((N - 1) n) with the pool's own recursion for B; a plateau above that of accumulation.",
    check=check,
)
