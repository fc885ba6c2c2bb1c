"""Which workflow keeps the truth best, at equal numbers of points."""

from itertools import pairwise

import numpy as np

from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.workflows import GENERATIONS, WORKFLOWS, predicted, workflows


def check(effort: Effort) -> Finding:
    """Each workflow's error in generation 20 beside its recursion, and the differences of neighbours, seed by seed."""
    errors = {name: one["error"][0] for name, one in workflows(5 * effort.seeds).items()}
    theory = {name: predicted(name, 0.0) for name in WORKFLOWS}
    last = {name: error[:, -1] for name, error in errors.items()}
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "the recursions are in this order from generation 2 on": all(
                bool((theory[a][2:] < theory[b][2:]).all()) for a, b in pairwise(WORKFLOWS)
            ),
        },
        comparisons=[
            *(mean(f"{name}: s at t = 20", theory[name][-1], last[name]) for name in WORKFLOWS),
            *(mean(f"{b} less {a}", 0.0, last[b] - last[a], ">=") for a, b in pairwise(WORKFLOWS)),
        ],
        control=Control(
            "the order reversed: subsampling the pool keeps the truth better than all of it",
            mean("accumulate less accumulate-subsample", 0.0, last["accumulate"] - last["accumulate-subsample"], ">="),
        ),
        figure=lines(
            [Line(name, t, theory[name], error.mean(0), half_width(error)) for name, error in errors.items()],
            "generation",
            "error of the mean s",
            yscale="log",
        ),
    )


CLAIM = Claim(
    name="ordering",
    source="Kazdan et al. 2024 (arXiv 2410.16713), Alemohammad et al. 2024 (arXiv 2307.01850); exact recursions here",
    statement="At gamma = 0 and n = m the error of generation t is smallest with fresh real data, then with re-used "
    "data, accumulation, accumulation subsampled to n points, and replacement.",
    check=check,
)
