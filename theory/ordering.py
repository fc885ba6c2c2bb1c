"""Which workflow keeps the truth best, at equal numbers of points."""

from itertools import pairwise

import numpy as np

from selfloop.stability import recursions
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import half_width
from theory.shared.workflows import GENERATIONS, WORKFLOWS, N, predicted, workflows


def check(effort: Effort) -> Finding:
    """Each workflow's error in generation 10 beside its recursion, and the differences of neighbours, seed by seed."""
    errors = {name: one["error"][0] for name, one in workflows(10 * effort.seeds).items()}
    theory = {name: predicted(name, 0.0) for name in WORKFLOWS}
    last = {name: error[:, -1] for name, error in errors.items()}
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "all workflows start from one fit to n points: s_0 = 1 / n": all(
                abs(one[:, 0].mean() - 1 / N) <= half_width(one[:, 0]) for one in errors.values()
            ),
        },
        comparisons=[
            *(
                mean(f"{name}: s at t = {one}", theory[name][one], errors[name][:, one])
                for name in WORKFLOWS
                for one in (1, 10)
            ),
            identity(
                "the recursions are in this order from generation 2 on: share of generations",
                1.0,
                np.mean([theory[a][2:] < theory[b][2:] for a, b in pairwise(WORKFLOWS)]),
                0.0,
            ),
            *(mean(f"{b} less {a}", 0.0, last[b] - last[a], ">=") for a, b in pairwise(WORKFLOWS)),
        ],
        control=Control(
            "the error of accumulation for that of accumulation subsampled",
            mean("accumulate-subsample: s at t = 10", theory["accumulate"][-1], last["accumulate-subsample"]),
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
    source=f"Kazdan et al. 2024 (arXiv 2410.16713), Alemohammad et al. 2024 (arXiv 2307.01850), both {RECALLED}; the "
    "recursions are derived here",
    statement="At gamma = 0 and n = m the error of generation t is smallest with fresh real data, then with re-used "
    "data, accumulation, accumulation subsampled to n points, and replacement.",
    check=check,
    slips=(
        Slip("re-used data for fresh", recursions.fresh, lambda right, *args: recursions.reuse(*args)),
        Slip("fresh data for re-used", recursions.reuse, lambda right, *args: recursions.fresh(*args)),
        Slip("accumulation's for replacement", recursions.replace, lambda right, *args: recursions.accumulate(*args)),
        Slip("a factor 2 in accumulation", recursions.accumulate, scaled(2.0)),
        Slip("one generation off in replacement", recursions.replace, early),
    ),
)
