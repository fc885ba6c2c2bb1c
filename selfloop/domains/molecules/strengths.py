"""Figure of effective gamma against physics time: what arms that differ in gradients a conformer have bought."""

import math
import re
from pathlib import Path
from typing import Any

from selfloop.drawing import INK, SMALL, blank, colours, legend, style, text
from selfloop.runs import record

NAME = re.compile(r"(?:replace_)?(hmc|langevin)_(\d+)$")
"""Arms by kernel and gradients a conformer."""
ABOUT = (
    "Effective gamma on the loop's own samples, one point an arm and audited generation, 95 % intervals; what the "
    "audit refused is not shown. The kernel leaves the law of real conformers as it is: more gradients can only help, "
    "at once in bonds and angles, slowly in torsions. What relaxation times predict of it: docs/molecules.md."
)


def points(out: Path) -> list[dict[str, Any]]:
    """Rows of kernel, gradients, space, gamma, low and high of the audited arms, as far as they are known."""
    found = []
    for row in record.read(out / "gammas.jsonl"):
        name, gamma = NAME.match(row["arm"]), record.number(row["gamma"])
        if name and math.isfinite(gamma):
            ends = {end: record.number(row[end]) for end in ("low", "high")}
            kernel, gradients = name[1], int(name[2])
            found.append({"kernel": kernel, "gradients": gradients, "space": row["space"], "gamma": gamma} | ends)
    return found


def figure(rows: list[dict[str, Any]]) -> Any:
    """A panel a kernel, a colour a space."""
    kernels = list(dict.fromkeys(row["kernel"] for row in rows))
    palette = colours(["torsions", "local"])
    drawn = blank(4.2 * len(kernels), 3.2)
    for axes, kernel in zip(drawn.subplots(1, len(kernels), squeeze=False)[0], kernels, strict=True):
        for space in palette:
            own = [row for row in rows if (row["kernel"], row["space"]) == (kernel, space)]
            if own:
                x, y = [row["gradients"] for row in own], [row["gamma"] for row in own]
                below = [row["gamma"] - row["low"] for row in own]
                above = [max(min(row["high"], 99.0) - row["gamma"], 0) for row in own]
                axes.errorbar(x, y, yerr=[below, above], fmt="o", capsize=3, color=palette[space], label=text(space))
        axes.axhline(0, color=INK, linewidth=0.8, dashes=(4, 3))
        axes.set_xscale("log")
        axes.set_yscale("symlog", linthresh=0.1)
        style(axes, f"Effective gamma, {kernel}", "gradients a conformer")
        axes.tick_params(labelsize=SMALL)
    legend(drawn, 2)
    return drawn
