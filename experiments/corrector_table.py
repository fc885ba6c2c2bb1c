"""The table of correctors by what they know, made from the domains' records.

    python experiments/corrector_table.py            print the table, in Markdown
    python experiments/corrector_table.py --write    put it into docs/correctors.md, between its marks

A row is a corrector of a domain: its last audited effective gamma in the spaces that its knowledge sees and in those
that it does not, what it did to the loop (beside the same loop without it, last generation, mean over seeds with
Student's 95 % interval), and its share of the loop's core-seconds. A domain whose record is not there has no row.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from selfloop.analysis.effective_gamma import by_generation
from selfloop.audit_warnings import SIDEWAYS
from selfloop.metrics.estimates import Estimate, over_seeds
from selfloop.wording import cell

DOCS = Path(__file__).resolve().parents[1] / "docs"
MARKS = ("<!-- table: experiments/corrector_table.py -->", "<!-- end of the table -->")


class Entry(NamedTuple):
    """A row of the table."""

    knowledge: str
    domain: str
    record: str
    """File of docs/results."""
    arm: str
    without: str
    """The same loop without its corrector."""
    knows: str
    seen: tuple[str, ...]
    """Spaces that the knowledge sees."""
    unseen: tuple[str, ...]
    known: str
    """A measure of what it knows."""
    law: str
    """One of the law."""
    where: dict[str, Any] = {}  # noqa: RUF012 (never written to)
    """What rows must say to be of this loop."""


SUPPORT, CONDITIONAL, MIXING, LEARNED = "support only", "a conditional law", "the law, for mixing time", "learned"
MOTION = {"n": 256, "guidance": 2.5, "lam": 1.0}
WARM = {"temperature": 1.0}
ENTRIES = (
    Entry(SUPPORT, "text", "language", "replace_reject", "replace", "a dictionary: documents with an unknown word go",
          ("artefacts",), ("content", "style"), "unknown_words", "heldout_bits", WARM),
    Entry(SUPPORT, "sums", "sums", "replace_verifier", "replace", "right from wrong: wrong sums go",
          (), (), "wrong", "heldout_bits"),
    Entry(SUPPORT, "digits", "images", "kmeans", "uncorrected", "averages of real images of a class",
          (), ("latents", "classifier"), "label_correct", "within_latents"),
    Entry(SUPPORT, "molecules", "molecules", "replace_minimise", "replace", "where the energy is low",
          ("local",), ("torsions",), "energy_tv", "map_tv"),
    Entry(CONDITIONAL, "text", "language", "replace_repair", "replace", "the nearest word of a dictionary",
          ("artefacts",), ("content", "style"), "unknown_words", "heldout_bits", WARM),
    Entry(CONDITIONAL, "sums", "sums", "replace_recomputed", "replace", "the sum, given the operands",
          (), (), "wrong", "heldout_bits"),
    Entry(CONDITIONAL, "motion", "grid", "physics", "uncorrected", "forces and contact, given the path",
          ("artefacts",), ("features",), "skate_mm_per_frame", "modes_effective", MOTION),
    Entry(MIXING, "molecules", "molecules", "replace_langevin_80", "replace", "Boltzmann's law, for 80 steps",
          ("local",), ("torsions",), "energy_tv", "map_tv"),
    Entry(LEARNED, "motion", "grid", "physics_prior", "uncorrected", "a diffusion prior of other real clips, physics",
          ("artefacts", "features"), (), "skate_mm_per_frame", "modes_effective", MOTION),
    Entry(LEARNED, "digits", "images", "member", "uncorrected", "real images of the nearest cluster",
          ("latents", "classifier"), (), "label_correct", "within_latents"),
    *(Entry(LEARNED, "plane", "online", f"replace_{name}", "replace", knows, ("points",), (), "off_mode", "energy")
      for name, knows in (("ratio_frozen", "a density ratio, taught once"),
                          ("ratio", "a density ratio, taught every generation"),
                          ("ratio_guarded", "the same, guarded by its own audit"),
                          ("map_frozen", "a transport map, taught once"),
                          ("map", "a transport map, taught every generation"),
                          ("map_guarded", "the same, guarded by its own audit"))),
)  # fmt: skip


def table(folder: Path = DOCS / "results") -> str:
    """The table in Markdown; a corrector that no record tells of has no row."""
    head = "| knowledge | domain | corrector: what it knows | gamma where it sees | gamma where it does not | \
what it knows: without, with | the law: without, with | cost share |"
    lines = [head, "|" + "---|" * 8]
    lines += [_line(entry, rows) for entry in ENTRIES if (rows := read(folder, entry))]
    return "\n".join(lines)


def read(folder: Path, entry: Entry) -> list[dict[str, Any]]:
    """The flat rows of an entry's record that are of its loop; none where it or its arm is not there."""
    paths = [path for path in (folder / f"{entry.record}{end}.jsonl" for end in ("", "_gammas")) if path.exists()]
    rows = [flat for path in paths for line in path.read_text("utf-8").splitlines() for flat in _flat(json.loads(line))]
    mine = [row for row in rows if all(row.get(name, value) == value for name, value in entry.where.items())]
    return mine if any(row.get("arm") == entry.arm for row in mine) else []


def _flat(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A record's line as rows of one arm, seed and generation; a chain's line holds a list a measure."""
    row = row | row.get("axes", {})
    if not isinstance(row.get("generation"), list):
        yield row
        return
    own = {name: value for name, value in row.items() if name not in ("generation", "values", "value", "noise")}
    for i, generation in enumerate(row["generation"] if "values" in row else ()):
        yield own | {"generation": generation} | {name: values[i] for name, values in row["values"].items()}


def _line(entry: Entry, rows: list[dict[str, Any]]) -> str:
    shares = cost(entry, rows)
    cells = [
        entry.knowledge,
        entry.domain,
        f"`{entry.arm}`: {entry.knows}",
        *(", ".join(f"{space} {gamma(entry, rows, space)}" for space in spaces) or "–"
          for spaces in (entry.seen, entry.unseen)),
        *(f"`{name}` {last(rows, entry.without, name)}, {last(rows, entry.arm, name)}"
          for name in (entry.known, entry.law)),
        "–" if math.isnan(shares) else f"{100 * shares:.0f} %",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def gamma(entry: Entry, rows: list[dict[str, Any]], space: str) -> str:
    """The first and the last audited effective gamma, with intervals and, where samples moved sideways, alignments."""
    own = [
        row for row in rows if row.get("arm") == entry.arm and row.get("space") == space and _known(row.get("gamma"))
    ]
    if not own:
        return "not audited"
    own = sorted(_over_seeds(own) if "seed" in own[0] else own, key=lambda row: row["generation"])
    return "; ".join(map(_audited, own if len(own) == 1 else (own[0], own[-1])))


def _over_seeds(own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row a generation of audits that are one a seed; its alignment is their mean."""
    numbers = [{end: float(row[end]) for end in ("gamma", "low", "high")} for row in own]
    found = by_generation([row | one | {"axes": str(row["axes"])} for row, one in zip(own, numbers, strict=True)])
    for row in found:
        turned = [one["alignment"] for one in own if one["generation"] == row["generation"]]
        row["alignment"] = None if None in turned else sum(turned) / len(turned)
    return found


def _audited(row: dict[str, Any]) -> str:
    told = _interval(Estimate(*(float(row[name]) for name in ("gamma", "low", "high"))))
    turned = row.get("alignment")
    sideways = f", alignment {turned:.2f}" if turned is not None and turned < SIDEWAYS else ""
    return f"{told} ({row['generation']}{sideways})"


def last(rows: list[dict[str, Any]], arm: str, name: str) -> str:
    """A measure in an arm's last generation, over its seeds."""
    own = [row for row in rows if row.get("arm") == arm and _known(row.get(name))]
    if not own:
        return "not measured"
    end = max(row["generation"] for row in own)
    return _interval(over_seeds([row[name] for row in own if row["generation"] == end]))


def cost(entry: Entry, rows: list[dict[str, Any]]) -> float:
    """The corrector's share of the core-seconds of a generation, audits and evaluation left out; by difference from the
    loop without it where a record does not tell parts apart.
    """
    parts = ("core_seconds_sample", "core_seconds_correct", "core_seconds_train")
    later = [row for row in rows if row.get("generation", 0) and "space" not in row]
    own = [row for row in later if row.get("arm") == entry.arm]
    if any("core_seconds_correct" in row for row in own):
        total = [sum(row.get(part) or 0 for row in own) for part in parts]
        return total[1] / sum(total)
    sums = [
        [row["core_seconds"] for row in later if row.get("arm") == arm and "core_seconds" in row]
        for arm in (entry.arm, entry.without)
    ]
    if not all(sums):
        return math.nan
    with_, without = (sum(one) / len(one) for one in sums)
    return max(1 - without / with_, 0.0)


def _known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _interval(one: Estimate) -> str:
    if math.isnan(one.low):
        return cell(one.value)
    limits = f">= {cell(one.low)}" if math.isinf(one.high) else f"[{cell(one.low)}, {cell(one.high)}]"
    return f"{cell(one.value)} {limits}"


def written(page: str, text: str) -> str:
    """The page with the table between its marks. Raises ValueError where it has none."""
    before, rest = page.split(MARKS[0], 1)
    return f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{rest.split(MARKS[1], 1)[1]}"


def main(arguments: list[str], show: Callable[[str], None] = print) -> None:
    """Print the table, or write it into the page."""
    if arguments == ["--write"]:
        path = DOCS / "correctors.md"
        path.write_text(written(path.read_text("utf-8"), table()), "utf-8")
    elif arguments:
        sys.exit(f"{' '.join(arguments)} is no option; give --write, or nothing")
    else:
        show(table())


if __name__ == "__main__":
    main(sys.argv[1:])
