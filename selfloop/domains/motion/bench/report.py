"""What a bench shows: bench.json, a table on screen, the goals, figures, and the page. Only held-out figures are shown.

The rows of the tuning split are in bench.json alone.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selfloop.domains.motion.bench import goals, picture
from selfloop.domains.motion.bench.cases import MADE
from selfloop.domains.motion.bench.corruptions import CORRUPTIONS
from selfloop.domains.motion.bench.data import SPLITS, Data
from selfloop.domains.motion.bench.goals import Rows, find
from selfloop.domains.motion.correctors.table import CORRECTORS
from selfloop.metrics.estimates import Estimate
from selfloop.report import figures, page
from selfloop.report.page import Plot, Table
from selfloop.runs import progress, record
from selfloop.runs.resume import to_dict
from selfloop.wording import heading

TITLE = "What correctors of motion do"
NOUGHT = 5e-4
"""Smaller numbers are shown as 0."""

HEADLINE = (
    ("survival", "clean"),
    ("survival", "mix"),
    ("after_root_relative_mm", "clean"),
    ("after_mm", "clean"),
    ("second_pass_rise_mm", "clean"),
    ("map_contraction", "float"),
    ("map_contraction", "jitter"),
    ("map_contraction", "pose_noise"),
    ("distance_ratio", "over_smooth"),
    ("penetration_mm", "mix"),
    ("skate_walks_mm_per_frame", "clean"),
    ("effective_gamma_artefacts", "generator_20"),
    ("effective_gamma_features", "generator_20"),
    ("motion_s_per_core_s", "clean"),
)
"""Measure and corruption of each column of the table on screen."""

MEASURES = {
    "survival": "Share of motions that the corrector did not mark as failed; the other tables are over those.",
    "map_contraction": "k = mean |C(x) - C(clean)| / mean |x - clean|: 0 forgets the corruption, 1 keeps it.",
    "distance_ratio": "Mean distance to the clean motion after over before: over 1 the correction did harm.",
    "before_mm": "Mean distance of the joints to the clean motion, before.",
    "after_mm": "The same after; on clean motion this is the corrector's bias.",
    "after_root_relative_mm": "The same with the pelvis in one place.",
    "moved_mm": "How far the corrector moved the joints.",
    "second_pass_mm": "How far a second pass moves them again.",
    "second_pass_rise_mm": "How much farther from the clean motion the second pass leads.",
    "penetration_mm": "Depth under the floor of the deepest contact sphere; identity: of the corrupted motion.",
    "float_mm": "Height over the floor of the lowest contact sphere; real motion flies as well.",
    "skate_mm_per_frame": "Slide of standing feet.",
    "skate_walks_mm_per_frame": "The same of motions whose label says that they walk or run.",
    "skate_ratio": "Share of steps in which a standing foot slides faster than 0.2 m/s.",
    "jerk": "Mean third derivative of the joints' places; real motion's is the ideal.",
    "limit_violation_deg": "Mean excess over the joints' limits.",
    "effective_gamma_artefacts": "Effective gamma in the space of artefacts; a dash where the audit refuses.",
    "control_gamma_artefacts": "The same of a corrector that replaces half of the motions by real ones: 1.",
    "effective_gamma_features": "Effective gamma in the encoder's features.",
    "control_gamma_features": "The same of a corrector that replaces half of the motions by real ones: 1.",
    "root_force_share": "Rms residual force at the root over body weight, median over motions.",
    "root_torque_share": "Rms residual torque at the root over body weight x 1 m, median over motions.",
    "motion_s_per_core_s": "Seconds of motion a second of processor time; in brackets the range over all corruptions.",
    "motion_s_per_gpu_s": "Seconds of motion a second of the accelerator, likewise.",
}
"""Every table of the page, in order, and what its measure means."""


def write(out: Path, rows: Rows, config: Any, data: Data) -> Path:
    """Write bench.json, the figures and the page, print the headline and the goals; the page's path."""
    record.write_json(out / "bench.json", rows)
    headline, verdicts = overview(rows), goals.verdicts(rows, config.pipeline)
    judged = [row | {"measured": text(row["measured"])} for row in verdicts]
    across = ["figure", *present(rows, "corrector")]
    progress.table(headline, across, title=f"{TITLE}: held-out clips, 95 % intervals")
    progress.table(judged, list(judged[0]), title="Goals")
    drawn = picture.figures_of(rows)
    for name, (figure, _) in drawn.items():
        figures.save(out / "figures" / f"{name}.png", figure)
    path = out / "report.html"
    page.write(
        path,
        TITLE,
        summary(rows, config, data, verdicts),
        to_dict(config),
        record.read_json(out / "environment.json"),
        tables=[
            Table("Goals on held-out clips", list(judged[0]), judged, "It is the value that holds, not its interval."),
            Table("Headline", across, headline, "Held-out clips, 95 % intervals."),
            Table("The correctors", ["corrector", "about"], correctors(rows)),
            *tables(rows),
        ],
        plots=[Plot(figure, caption) for figure, caption in drawn.values()],
    )
    return path


def present(rows: Rows, field: str) -> list[str]:
    """The correctors or corruptions of which there are rows, in the order of the tables."""
    there = {row[field] for row in rows}
    return [name for name in (*CORRECTORS, *CORRUPTIONS, *MADE) if name in there]


def overview(rows: Rows) -> list[dict[str, Any]]:
    """One row a headline figure that was measured, one column a corrector."""
    found = []
    for measure, corruption in HEADLINE:
        cells = {name: text(find(rows, name, corruption, measure)) for name in present(rows, "corrector")}
        if any(cells.values()):
            found.append({"figure": f"{heading(measure)}, {corruption}"} | cells)
    return found


def tables(rows: Rows) -> list[Table]:
    """One table a measure: corruptions against correctors, each value with its interval."""
    made = []
    for measure, meaning in MEASURES.items():
        held = [row for row in rows if row["measure"] == measure and row["split"] == SPLITS[-1]]
        across = present(held, "corrector")
        body = [
            {"corruption": corruption} | {name: text(find(held, name, corruption, measure)) for name in across}
            for corruption in present(held, "corruption")
        ]
        if held:
            made.append(Table(heading(measure), ["corruption", *across], body, meaning))
    return made


def text(one: Estimate | None) -> str | None:
    """A value and its interval, if it has any width."""
    if one is None:
        return None
    value, low, high = ("0" if abs(part) < NOUGHT else f"{part:.3g}" for part in one)
    return value if math.isnan(one.low) or low == high else f"{value} [{low}, {high}]"


def correctors(rows: Rows) -> list[dict[str, str]]:
    """What each corrector of the table is."""
    return [{"corrector": name, "about": CORRECTORS[name].about} for name in present(rows, "corrector")]


def summary(rows: Rows, config: Any, data: Data, verdicts: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was run, what it says, and what is missing, in sentences."""
    held = data.bench[SPLITS[-1]]
    judged = [row for row in verdicts if row["holds"] != "not measured"]
    short = [row["figure"] for row in judged if row["holds"] == "no"]
    lines = [
        f"{len(held.x)} held-out windows of 2 s from {len(set(held.clip.tolist()))} clips, each clip on its floor; "
        "figures of the tuning clips are in bench.json alone. Intervals are 95 %, by resampling clips. "
        f"The engine of physics is {config.pipeline}.",
        f"{len(judged) - len(short)} of {len(judged)} measured goals hold"
        + (f"; these do not: {'; '.join(short)}." if short else "."),
    ]
    few = [
        f"{name} ({CORRECTORS[name].most} motions a case)"
        for name in present(rows, "corrector")
        if CORRECTORS[name].most
    ]
    if few:
        lines.append(f"Measured on few motions, for the cost, with intervals as wide: {', '.join(few)}.")
    if data.loop is None:
        gone = [name for name in config.correctors if CORRECTORS[name].learns]
        gone += [name for name in config.corruptions if name in MADE]
        lines.append(
            "This set is too small to give clips a role each: its clips are halved, an audit of one half calls the "
            f"other one real, there is no control, and what needs other clips is left out: {', '.join(gone)}."
        )
    return lines
