"""Goals of the corrector on held-out clips, and whether the rows of a bench say that it reaches them.

Nothing is hard-coded but the goals: a figure is looked up, and a goal relative to the clean clips is too.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from selfloop.metrics.estimates import Estimate


class Goal(NamedTuple):
    """One figure and its limit."""

    figure: str
    corrector: str
    corruption: str
    measure: str
    most: float = math.inf
    least: float = -math.inf
    relative: bool = False
    """Whether ``most`` is in multiples of what the identity scores: the clean clips' own."""
    surely: bool = False
    """Whether the interval must be above 0 as well."""
    pipeline: str = ""
    """The engine of physics that the goal is for; any, if empty."""


GOALS = (
    Goal("survival, clean", "physics", "clean", "survival", least=0.995),
    Goal("survival, mix", "physics", "mix", "survival", least=0.98),
    Goal("bias on clean motion, root-relative", "physics", "clean", "after_root_relative_mm", most=8),
    Goal("bias on clean motion, global", "physics", "clean", "after_mm", most=12),
    Goal("rise of the error at a second pass", "physics", "clean", "second_pass_rise_mm", most=3),
    *(
        Goal(f"k, {name}", "physics", name, "map_contraction", most=most)
        for name, most in {"float": 0.05, "sink": 0.05, "rise": 0.05, "bob": 0.25, "jitter": 0.4}.items()
    ),
    Goal("k, pose noise", "physics_prior", "pose_noise", "map_contraction", most=0.6),
    Goal("k, joint limits", "physics_prior", "limits", "map_contraction", most=0.6),
    Goal("over-smoothing, distance after / before", "physics", "over_smooth", "distance_ratio", most=1),
    Goal("penetration, clean", "physics", "clean", "penetration_mm", most=1),
    Goal("float against clean clips", "physics", "clean", "float_mm", most=1.1, relative=True),
    Goal("skate on walks against clean clips", "physics", "clean", "skate_walks_mm_per_frame", most=1.1, relative=True),
    Goal("residual force, rms over body weight", "physics", "clean", "root_force_share", most=0.1),
    Goal("residual torque, rms over body weight x 1 m", "physics", "clean", "root_torque_share", most=0.1),
    Goal("gamma, artefacts", "physics", "generator_20", "effective_gamma_artefacts", least=1, surely=True),
    Goal("gamma, features", "physics_prior", "generator_20", "effective_gamma_features", least=0.5, surely=True),
    Goal(
        "gamma, features, on-policy",
        "physics_prior",
        "on_policy_10",
        "effective_gamma_features",
        least=0.25,
        surely=True,
    ),
    Goal("speed, C engine", "physics", "clean", "motion_s_per_core_s", least=300, pipeline="mujoco"),
    Goal("speed, Brax", "physics", "clean", "motion_s_per_core_s", least=60, pipeline="mjx"),
    Goal("speed on the accelerator", "physics", "clean", "motion_s_per_gpu_s", least=1500),
)
"""The goals, a row each."""

Rows = Sequence[Mapping[str, Any]]


def find(rows: Rows, corrector: str, corruption: str, measure: str, split: str = "heldout") -> Estimate | None:
    """One measure of one cell, or None where it was not measured."""
    wanted = (corrector, corruption, measure, split)
    for row in rows:
        if (row["corrector"], row["corruption"], row["measure"], row["split"]) == wanted:
            return Estimate(row["value"], row["low"], row["high"])
    return None


def verdicts(rows: Rows, pipeline: str) -> list[dict[str, Any]]:
    """A row a goal for this engine of physics: figure, corrector, corruption, target, ``measured`` and ``holds``.

    What was measured is an `Estimate`, and it is its value that holds: yes or no; None and "not measured" where the
    bench has no such row.
    """
    return [_verdict(goal, rows) for goal in GOALS if goal.pipeline in ("", pipeline)]


def _verdict(goal: Goal, rows: Rows) -> dict[str, Any]:
    found = find(rows, goal.corrector, goal.corruption, goal.measure)
    own = find(rows, "identity", goal.corruption, goal.measure) if goal.relative else None
    most = goal.most * own.value if own else goal.most
    known = found is not None and (own is not None or not goal.relative)
    holds = known and goal.least <= found.value <= most and (not goal.surely or found.low > 0)
    return {
        "figure": goal.figure,
        "corrector": goal.corrector,
        "corruption": goal.corruption,
        "target": _text(goal, most if known else None),
        "measured": found if known else None,
        "holds": ("yes" if holds else "no") if known else "not measured",
    }


def _text(goal: Goal, most: float | None) -> str:
    """The target in words."""
    if math.isfinite(goal.least):
        return f">= {goal.least:g}" + ", interval above 0" * goal.surely
    if not goal.relative:
        return f"<= {goal.most:g}"
    return f"<= {goal.most:g} x clean" + ("" if most is None else f" = {most:.3g}")
