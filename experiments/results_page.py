# ruff: noqa: E501 (sentences of the page, as they are filled there)
"""Write the sentences and tables of docs/results.md that quote its records, with their intervals, from the records.

python experiments/results_page.py            docs/results/grid*.jsonl -> docs/results.md, between its <!-- NAME --> marks
python experiments/results_page.py --check    only say whether the page is what the records give
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from selfloop.cli.guard import script
from selfloop.metrics.estimates import Estimate, excludes

DOCS = Path(__file__).parents[1] / "docs"
ARMS = {
    "baseline": (False, False),
    "uncorrected": (False, True),
    "physics": (True, True),
    "physics_prior": (True, True),
}
"""Of each arm whether it corrects, and whether it trains on its own samples."""
ABOUT = {
    "axes": ["guidance"], "measures": [], "spaces": ["features"],
    "arms": {arm: {"corrects": one, "synthetic": other, "predicted": True} for arm, (one, other) in ARMS.items()},
}  # fmt: skip
MEASURES = {"fid_features": "FID", "modes_effective": "modes", "within_features": "within", "penetration_mm": "penetration",
            "skate_mm_per_frame": "skate", "jerk": "jerk"}  # fmt: skip
CORRECTED = ("physics", "physics_prior")


@dataclass(frozen=True)
class Config:
    """Where the page is, and whether it is only looked at."""

    docs: Path = DOCS
    """The folder of results.md and of results/."""
    check: bool = False
    """Write nothing; an error where the page is not what the records give."""


def parts(docs: Path) -> dict[str, str]:
    """Every generated part of the page, by the name of its mark."""
    read = {name: _records(docs / "results" / f"{name}.jsonl") for name in ("grid", "grid_anew", "grid_anew_part")}
    return {"short": short(read["grid"]), "pooled": pooled_table(read["grid"]), "gammas": gamma_table(read["grid"]),
            "harm": harm(read["grid"]), "slower": slower(read["grid_anew"], read["grid_anew_part"])}  # fmt: skip


def _records(path: Path):  # noqa: ANN202 (its type is imported only when it is needed)
    from selfloop.analysis.results import unpack
    from selfloop.runs import record

    return unpack(record.read(path), ABOUT)


class _Ends:
    """Ends of measures in the cells of one guidance, compared."""

    def __init__(self, results, guidance: float):  # noqa: ANN001
        from selfloop.analysis import cells

        self.rows = results.rows
        self.cells = [cell for cell in cells.cells(self.rows) if dict(cell.axes)["guidance"] == guidance]

    def at(self, arm: str, measure: str):  # noqa: ANN202
        from selfloop.analysis import pooled

        return pooled.at(self.rows, self.cells, arm, measure)

    def removed(self, arm: str, measure: str, together: int = 1) -> Estimate:
        from selfloop.analysis import pooled

        ends = (self.at(name, measure) for name in ("uncorrected", arm, "baseline"))
        return pooled.removed(*ends, level=pooled.bonferroni(together))

    def change(self, arm: str, other: str, measure: str) -> Estimate:
        """An arm's end minus another's, over all cells."""
        from selfloop.analysis import pooled

        return pooled.difference(self.at(arm, measure), self.at(other, measure))

    def single(self, arm: str, measure: str, together: int) -> list[Estimate]:
        """The share removed in each cell."""
        from selfloop.analysis import pooled

        sides = zip(*(self.at(name, measure) for name in ("uncorrected", arm, "baseline")), strict=True)
        level = pooled.bonferroni(together)
        return [pooled.removed([a], [b], [c], level) for a, b, c in sides]


def short(results) -> str:  # noqa: ANN001
    """The page's list of what was found."""
    high, low = _Ends(results, 2.5), _Ends(results, 1.0)
    shares = {(arm, name): high.removed(arm, name) for arm in CORRECTED for name in MEASURES}
    many = len(shares)
    sure = {key: excludes(high.removed(*key, many), 0) for key in shares}
    told = {key: f"{_number(one)}{'' if sure[key] else _alone(one, many)}" for key, one in shares.items()}
    single = [one for arm in CORRECTED for name in MEASURES for one in high.single(arm, name, 1)]
    corrected = [one for arm in CORRECTED for name in MEASURES for one in high.single(arm, name, len(single))]
    worse, left = sum(one.high < 0 for one in single), sum(one.high < 0 for one in corrected)
    physics = {name: told["physics", name] for name in MEASURES}
    prior = {name: told["physics_prior", name] for name in MEASURES}
    fid, most = high.change("physics", "uncorrected", "fid_features"), shares["physics", "modes_effective"].high
    return _wrapped(f"""Every share below is of what the loop lost, pooled over the three cells with guidance 2.5, seed by seed: 1 is all, 0
none; brackets are 95 % intervals of three seeds (Fieller). There are {many} such shares; "(alone)" marks one whose interval
excludes 0 by itself and no longer when all {many} are to hold together (Bonferroni).

- **There are two collapses.** With guidance 2.5, the paper's, the uncorrected loop loses its *physics* (feet slide and
  sink, joints jitter) and its *distribution*. Uncorrected minus baseline, mean over the cells: FID
  {_number(high.change("uncorrected", "baseline", "fid_features"))}, modes
  {_number(high.change("uncorrected", "baseline", "modes_effective"))}, penetration
  {_number(high.change("uncorrected", "baseline", "penetration_mm"))} mm, skating
  {_number(high.change("uncorrected", "baseline", "skate_mm_per_frame"))} mm/frame.
- **Physics cures the first; a cure of the second is not seen.** It removes {physics["penetration_mm"]} of the growth in
  penetration and {physics["jerk"]} of that in jerk; of skating {physics["skate_mm_per_frame"]}: probably most, and three
  seeds cannot exclude none. Of the lost modes it removes {physics["modes_effective"]}: at most {100 * most:.0f} %. FID with
  it minus FID without is {_number(fid)}: neither a gain nor equality is shown. Of the {len(single)} shares of single cells
  {worse} lie{"s" if worse == 1 else ""} below 0 with {"its" if worse == 1 else "their"} whole interval (FID at lambda = 4),
  {_count(left)} when all {len(single)} are to hold together.
- **A corrector that knows other real motion cures part of the second.** A learned prior before physics removes
  {prior["fid_features"]} of what FID gained and {prior["modes_effective"]} of the modes lost. It brings real data in: that
  is what the paper's corrector, a policy learned on a large motion set, has and pure physics has not.
- **Without guidance there is less to cure**: mean over the cells, FID of the uncorrected loop minus the baseline's is
  {_number(low.change("uncorrected", "baseline", "fid_features"))}, and physics adds
  {_number(low.change("physics", "uncorrected", "fid_features"))} to it. So most of the distribution's collapse here is the
  sharpening by guidance, applied to itself again and again, which physics, looking at one motion at a time, has no means
  to undo.
{_gammas(results)}""")


def _alone(one: Estimate, many: int) -> str:
    return " (alone)" if excludes(one, 0) and many > 1 else ""


def _count(number: int) -> str:
    return "none" if number == 0 else str(number)


def pooled_table(results) -> str:  # noqa: ANN001
    """The pooled shares: each for itself, and all together."""
    from selfloop.analysis.pooled import bonferroni

    lines = []
    for guidance in (2.5,):
        ends = _Ends(results, guidance)
        many = len(CORRECTED) * len(MEASURES)
        for arm in CORRECTED:
            for name, title in MEASURES.items():
                one, all_ = ends.removed(arm, name), ends.removed(arm, name, many)
                lines.append(f"| {arm} | {title} | {_number(one)} | {_number(all_)} |")
    head = [
        f"| arm | measure | removed, 95 % each | 95 % together ({100 * bonferroni(many):.1f} % each) |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *lines])


def gamma_table(results) -> str:  # noqa: ANN001
    """Effective gammas, as far as records without seeds tell them."""
    from selfloop.analysis.effective_gamma import averages

    lines = ["| n | guidance | λ | arm | space | effective gamma |", "|---|---|---|---|---|---|"]
    rows = sorted(
        averages(results.gammas), key=lambda row: (row["n"], row["axes"], row["arm"], row["lam"], row["space"])
    )
    for row in rows:
        one = Estimate(row["gamma"], row["low"], row["high"])
        place = f"| {row['n']} | {dict(row['axes'])['guidance']:g} | {row['lam']:g} | {row['arm']} | {row['space']} |"
        lines.append(f"{place} {_number(one)} |")
    return "\n".join(lines)


def slower(anew, part) -> str:  # noqa: ANN001
    """The contraction of displaced chains with chance taken out, and its doubt."""
    far = _squares(part)
    chance = {seed: float(values[1:6].mean()) for seed, values in _squares(anew).items()}
    curve = _less(far, chance, sorted(far), sorted(chance))
    one = contraction(far, chance)
    left = ", ".join(f"{math.sqrt(value):.3f}" for value in curve)
    level = math.sqrt(np.mean(list(chance.values())))
    return _wrapped(f"""The laws' distance (MMD) falls to where coupled chains of one law stay by chance, {level:.3f} (root mean square over
generations 1 to 5 of the chains above). With chance taken out, in squares, it is {left} in generations 0 to 3: **a factor
of {_number(one)} a generation**, against 0.5 predicted; the interval is the jackknife's over the three displaced seeds and
over the three that chance is measured by, whose share of the doubt is the smaller. {_holds(one)}""")


def _holds(one: Estimate) -> str:
    told = [f"{value:g} is {'outside' if excludes(one, value) else 'inside'}" for value in (0.5, 1.0)]
    return f"Of the interval {' and '.join(told)}."


def harm(results) -> str:  # noqa: ANN001
    """What correction does to a loop that hardly needs it."""
    here = _Ends(results, 1.0)
    here.cells = here.cells[:1]
    skate, depth = (
        here.change("physics_prior", "uncorrected", name) for name in ("skate_mm_per_frame", "penetration_mm")
    )
    return _wrapped(f"""Here a corrector can do harm: physics + prior takes a loop that hardly skates up by {_number(skate)} mm/frame,
and its penetration by {_number(depth)} mm (n = {here.cells[0].n}, lambda = {here.cells[0].lam:g}; Student's intervals of three seeds). A
corrector is no free insurance.""")


def _gammas(results) -> str:  # noqa: ANN001
    """What the audits say in feature space."""
    from selfloop.analysis.effective_gamma import averages

    rows = [row for row in averages(results.gammas) if row["space"] == "features"]
    physics = [row for row in rows if row["arm"] == "physics"]
    prior = [row for row in rows if row["arm"] == "physics_prior"]
    with_it, without = ([row for row in prior if dict(row["axes"])["guidance"] == value] for value in (2.5, 1.0))
    return f"""- **The effective gamma, measured on the loop's own samples, tells which.** In feature space physics reads
  {_span(physics)} over {len(physics)} cells, below 0 in {sum(row["gamma"] < 0 for row in physics)} of them (it moves samples
  a little *away* from real motion), by the whole of every generation's interval in
  {sum(row["high"] < 0 for row in physics)}; the prior {_span(with_it)} with guidance and {_span(without)} without. The runs
  behind these records audited three seeds together: they give no interval over seeds, and these are no proofs of a sign.
  Runs of this version audit every seed by itself."""


def _span(rows: list[dict]) -> str:
    values = [row["gamma"] for row in rows]
    return f"{min(values):+.2f} to {max(values):+.2f}"


def _wrapped(text: str) -> str:
    """Paragraphs and items of a list, filled to the page's width."""
    import re
    import textwrap

    found = []
    for block in re.split(r"\n\n", text):
        items = re.split(r"\n(?=- )", block)
        found.append("\n".join(
            textwrap.fill(" ".join(item.split()), 120, subsequent_indent="  " if item.startswith("- ") else "",
                          break_long_words=False, break_on_hyphens=False) for item in items
        ))  # fmt: skip
    return "\n\n".join(found)


def contraction(far: dict[int, np.ndarray], chance: dict[int, float]) -> Estimate:
    """The factor a generation over generations 0 to 3; its jackknife over both sets of seeds, Student's with the fewer."""
    from scipy.stats import t as student

    from selfloop.metrics.estimates import LEVEL

    ours, theirs = sorted(far), sorted(chance)

    def slope(one: list[int], other: list[int]) -> float:
        return float(np.polyfit(np.arange(4), np.log(_less(far, chance, one, other)) / 2, 1)[0])

    whole = slope(ours, theirs)
    sets = ([slope([s for s in ours if s != i], theirs) for i in ours],
            [slope(ours, [s for s in theirs if s != i]) for i in theirs])  # fmt: skip
    error = math.sqrt(sum((len(one) - 1) * np.var(one) for one in sets))
    half = float(student.ppf((1 + LEVEL) / 2, min(map(len, sets)) - 1)) * error
    return Estimate(*(math.exp(one) for one in (whole, whole - half, whole + half)))


def _squares(results) -> dict[int, np.ndarray]:  # noqa: ANN001
    """Squared distances (MMD) of the uncorrected arm's chains by seed."""
    return {row["seed"]: np.square(row["value"]) for row in results.distances
            if (row["distance"], row["arm"]) == ("mmd", "uncorrected")}  # fmt: skip


def _less(far: dict[int, np.ndarray], chance: dict[int, float], one: list[int], other: list[int]) -> np.ndarray:
    return np.mean([far[seed][:4] for seed in one], 0) - np.mean([chance[seed] for seed in other])


def _number(one: Estimate) -> str:
    """A value and its interval, with three digits of its width."""
    width = one.high - one.low
    digits = max(0, 2 - math.floor(math.log10(width))) if 0 < width < math.inf else 2
    return f"{_text(one.value, digits)} [{_text(one.low, digits)}, {_text(one.high, digits)}]"


def _text(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else str(value)


def filled(page: str, found: dict[str, str]) -> str:
    """The page with its marked parts replaced."""
    for name, text in found.items():
        head, tail = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        start, end = page.index(head) + len(head), page.index(tail)
        page = page[:start] + text + page[end:]
    return page


def write(config: Config) -> Path:
    """Write the page, or hold it against the records.

    Raises:
        DataError: with ``check``, where they differ.
    """
    from selfloop.errors import DataError

    path = config.docs / "results.md"
    page = path.read_text("utf-8")
    whole = filled(page, parts(config.docs))
    if config.check and whole != page:
        raise DataError(f"{path} is not what its records give; run experiments/results_page.py")
    if not config.check:
        path.write_text(whole, "utf-8")
    return path


def run(arguments: list[str]) -> Path:
    """Do what the command line asks for."""
    import tyro

    return write(tyro.cli(Config, args=arguments, description=__doc__))


if __name__ == "__main__":
    sys.exit(script(run, "page", "stopped"))
