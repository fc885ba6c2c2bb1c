"""The page of a polluted web: tables with intervals and three pictures, from its rows alone."""

from pathlib import Path
from typing import Any

TITLE = "A polluted web"
MEANING = (
    "Intervals are 95 %, of Student over seeds for text, and of 1.96 standard errors for Gaussians.",
    "Bits are bits a character of held-out human text, ends counted as characters; less is better.",
)


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last step of every web, over seeds."""
    from selfloop.metrics.estimates import over_seeds

    webs = [row for row in rows if row["kind"] == "web"]
    last, table = max(row["step"] for row in webs), []
    for name in dict.fromkeys(row["web"] for row in webs):
        own = [row for row in webs if row["web"] == name and row["step"] == last]
        bits = over_seeds([row["bits"] for row in own])
        mean = lambda key, own=own: sum(row[key] for row in own) / len(own)  # noqa: E731
        rest = {key: mean(key) for key in ("synthetic_kept", "human_kept", "read", "tpr", "fpr")}
        table.append({"web": name, "bits": bits.value, "low": bits.low, "high": bits.high} | rest)
    return table


def marks(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every strength of the watermark, over seeds."""
    from selfloop.metrics.estimates import over_seeds

    own, table = [row for row in rows if row["kind"] == "watermark"], []
    for delta in sorted({row["delta"] for row in own}):
        row: dict[str, Any] = {"delta": delta}
        for key in ("fpr", "tpr", "tpr_next", "bits_next"):
            found = over_seeds([one[key] for one in own if one["delta"] == delta])
            row |= {key: found.value, f"{key} ±": found.high - found.value}
        table.append(row)
    return table


def draw(rows: list[dict[str, Any]]) -> Any:
    """Variance against its closed form; bits against TPR and how many human documents are read; the watermark."""
    from selfloop.report import figures

    figure = figures.blank(11.5, 3.6)
    one, two, three = figure.subplots(1, 3)
    gaussian = [row for row in rows if row["kind"] == "gaussian"]
    for families, marker in ((1, "o"), (4, "s")):
        own = [row for row in gaussian if row["families"] == families]
        found, low = ([row[key] for row in own] for key in ("variance", "half"))
        label = "1 family" if families == 1 else f"{families} families"
        one.errorbar([row["predicted"] for row in own], found, low, fmt=marker, markersize=3.5, linestyle="none",
                     label=label)  # fmt: skip
    one.plot([0.3, 1], [0.3, 1], color=figures.INK, linewidth=0.8)
    figures.style(one, "Gaussians", "(1 - s) / (1 - s T² - c / n)", "variance found")
    found = {row["web"]: row for row in summary(rows)}
    for name, marker in (("pool", "o-"), ("window", "s-")):
        own = [found[f"{name}, none"]] + [found[f"{name}, filter {tpr}"] for tpr in (0.5, 0.9, 0.99)]
        tprs = [0, 0.5, 0.9, 0.99]
        error = [row["high"] - row["bits"] for row in own]
        two.errorbar(tprs, [row["bits"] for row in own], error, fmt=marker, markersize=3.5, label=name)
        for tpr, row in zip(tprs, own, strict=True):
            two.annotate(
                f"{row['human_kept']:.0f}", (tpr, row["bits"]), fontsize=7, textcoords="offset points", xytext=(3, 4)
            )
    figures.style(two, "text: human documents read", "TPR of the filter (FPR 0.05)", "bits a character")
    table = marks(rows)
    for key, label in (("tpr", "its own"), ("tpr_next", "the next model's")):
        three.errorbar([row["bits_next"] for row in table], [row[key] for row in table],
                       [row[f"{key} ±"] for row in table], fmt="o-", markersize=3.5, label=label)  # fmt: skip
    figures.style(three, "watermark", "bits a character of the next model", "found at FPR 0.01")
    for axes in (one, two, three):
        axes.legend(frameon=False, fontsize=8, labelcolor=figures.INK)
    return figure


def report(out: Path, rows: list[dict[str, Any]], settings: dict[str, Any], provenance: dict[str, Any]) -> Path:
    """Write the figure and the page; print the tables."""
    from selfloop.report import figures, page
    from selfloop.runs.progress import table as show

    figure = draw(rows)
    figures.save(out / "pollution.png", figure)
    gaussian = [{k: v for k, v in row.items() if k != "kind"} for row in rows if row["kind"] == "gaussian"]
    made = [("Text, last step", summary(rows)), ("Watermark", marks(rows)), ("Gaussians", gaussian)]
    for title, table in made:
        show(table, list(table[0]), title)
    page.write(
        out / "report.html",
        TITLE,
        list(MEANING),
        settings,
        provenance,
        tables=[page.Table(title, list(table[0]), table) for title, table in made],
        plots=[page.Plot(figure, "Numbers at points: different human documents that a model read.")],
    )
    return out / "report.html"
