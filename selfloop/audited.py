"""What an audit of a corrector found: the record that `selfloop.audit` returns, its table, sentence and figure."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selfloop.metrics.estimates import Estimate
from selfloop.wording import cell, html_table

if TYPE_CHECKING:
    from selfloop.figure import Figure


class Audit(NamedTuple):
    """What a corrector did to samples; ``print`` shows it as a table."""

    rho: Estimate
    """MMD(corrected, target) / MMD(raw, target): 0 perfect, 1 no better, above 1 harmful."""
    gamma: Estimate
    """Effective gamma 1 / rho - 1: the strength of the idealised corrector that contracts as much; above -1. Its upper
    limit is infinity where the corrected samples cannot be told from the target."""
    alignment: Estimate
    """Cosine between corrected - target and raw - target in the kernel's space: 1 for a mixture with the target, less
    for a move sideways, for which gamma is no strength. NaN where the corrected samples are at the target."""
    projection: Estimate
    """Their inner product over MMD(raw, target)^2: 1 / (1 + gamma) too for a mixture; it credits a move sideways."""
    moved: float
    """Mean distance between a sample's features and its correction's, over those that were corrected."""
    length: float
    """Median distance between a raw and a reference sample: the features' natural unit."""
    failed: float
    """Share of the raw samples that the corrector marked as failed; they are not in the corrected set."""
    rejected: float
    """Share that it gave weight 0 without failing; they are not in the corrected set either."""
    effective: float
    """Effective number of corrected samples, (sum w)^2 / sum w^2: how many of one weight would tell as much."""
    labels: int
    """Labels by whose frequencies among the raw samples the reference was weighed; 0: none were compared."""
    target: float
    """Effective number of reference samples (of clips, where there are groups) after that."""
    seconds: float
    """Time of a second, identical call of the corrector, per sample; NaN where the corrected samples were given."""
    compilation: float
    """What the first call took beyond that, in seconds; NaN likewise."""
    separation: float
    """MMD(raw, target) over its bootstrap standard deviation."""
    level: float
    """Coverage of every interval, each for itself."""
    kept: int
    """Corrected samples of weight above 0."""
    warnings: tuple[str, ...]
    """What a reader must know before quoting the figures."""

    def __str__(self) -> str:
        lines = [f"{name:<18}{text}" for name, text in self._rows()]
        return "\n".join(lines + [f"warning: {text}" for text in self.warnings])

    def __repr__(self) -> str:
        """One line: what counts, with its interval."""
        rho, gamma = (" ".join(_text(one).split()) for one in (self.rho, self.gamma))
        warned = f", {len(self.warnings)} warnings" if self.warnings else ""
        return f"Audit(rho {rho}, effective gamma {gamma}, failed {cell(100 * self.failed)} %{warned})"

    def _repr_html_(self) -> str:
        rows = [[name, " ".join(text.split())] for name, text in self._rows()]
        return html_table(["measure", "value"], rows, " ".join(f"Warning: {text}." for text in self.warnings))

    def plot(self) -> "Figure":
        """rho, alignment and projection with their intervals: 1 is a corrector that does nothing, 0 a perfect one."""
        from selfloop import drawing

        shown = {"rho (distance left)": self.rho, "alignment": self.alignment, "projection": self.projection}
        known = {name: one for name, one in shown.items() if np.isfinite(one.value)}
        figure = drawing.blank(5.6, 0.9 + 0.5 * len(known))
        axes = figure.subplots()
        for i, (name, one) in enumerate(known.items()):
            axes.errorbar([one.value], [i], xerr=[[one.value - one.low], [one.high - one.value]], fmt="o", capsize=3,
                          color=drawing.colours(["physics"])["physics"])  # fmt: skip
            figure.tip(axes, one.value, i, f"{name}: {' '.join(_text(one).split())}")
        axes.axvline(1, color=drawing.INK, linewidth=1, dashes=(4, 3))
        axes.set_yticks(range(len(known)), list(known))
        axes.set_ylim(len(known) - 0.5, -0.5)
        gamma = " ".join(_text(self.gamma).split())
        drawing.style(axes, f"Effective gamma {gamma}", f"{100 * self.level:g} % intervals; dashed: no correction")
        return figure

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("rho", f"{_text(self.rho)}  ({100 * self.level:g} % interval)"),
            ("effective gamma", _text(self.gamma)),
            ("alignment", _text(self.alignment)),
            ("projection", _text(self.projection)),
            ("moved", f"{cell(self.moved):>8}  ({cell(self.moved / self.length)} of the median distance)"),
            ("failed", f"{cell(100 * self.failed):>8} %"),
            ("rejected", f"{cell(100 * self.rejected):>8} %"),
            *(
                (
                    (
                        "labels",
                        f"{self.labels:>8}  (the reference, weighed alike, is as good as {self.target:.0f} samples)",
                    ),
                )
                if self.labels
                else ()
            ),
            *(
                (("seconds a sample", f"{cell(self.seconds):>8}  (and {cell(self.compilation)} s of compilation)"),)
                if np.isfinite(self.seconds)
                else ()
            ),
            ("raw distance", f"{cell(self.separation):>8}  bootstrap sd from 0"),
            *(
                (("effective number", f"{self.effective:8.4g}  corrected samples, by their weights"),)
                if self.weighs
                else ()
            ),
        ]

    @property
    def weighs(self) -> bool:
        """Whether the corrector gave unequal weights to what it kept."""
        return self.effective < 0.999 * self.kept


def _text(one: Estimate) -> str:
    limits = f">= {cell(one.low)}" if one.high == float("inf") else f"[{cell(one.low)}, {cell(one.high)}]"
    return f"{cell(one.value):>8}  {limits}"
