"""The page of a run: claim after claim, its hypotheses, its numbers, its control and its figure."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selfloop.report import page
from selfloop.wording import cell, duration
from theory.frame.claim import ROUNDING, SIGMAS, Comparison, fails, holds, miss, power, sharpest
from theory.frame.results import Result, percent, row

_SECTION = """
<p id="{{ claim.name }}">{{ claim.statement }}</p>
<p class="caption">{{ claim.source }} &middot; <code>theory/{{ claim.name }}.py</code> &middot; {{ seconds }}</p>
<p><strong>{{ "Holds." if good else "Does not hold." }}</strong> Power: {{ strongest | percent or "none" }}.
Hypotheses:</p>
<ul style="list-style: none; padding: 0">
{% for text, met in finding.hypotheses.items() %}
<li>{{ "&check;" | safe if met else "NOT MET:" }} {{ text }}</li>
{% endfor %}
{% for text in finding.definitions %}
<li>by definition: {{ text }}</li>
{% endfor %}
</ul>
<div class="scroll" tabindex="0"><table>
<thead><tr><th></th><th class="number">measured</th><th></th><th class="number">predicted</th><th>interval</th>
<th>power</th><th></th></tr></thead>
<tbody>
{% for row in rows %}
<tr><td style="white-space: normal">{{ row.label }}</td>
<td class="number">{{ row.measured | cell }}</td><td>{{ row.relation | sign }}</td>
<td class="number">{{ row.predicted | cell }}</td><td>{{ row | interval }}</td><td>{{ row | sees }}</td>
<td>{{ "as predicted" if row | holds else "NOT as predicted" }}</td></tr>
{% endfor %}
<tr><td style="white-space: normal">control: {{ control.label }}</td>
<td class="number">{{ control.measured | cell }}</td>
<td>{{ control.relation | sign }}</td><td class="number">{{ control.predicted | cell }}</td>
<td>{{ control | interval }}</td><td></td>
<td>{{ "fails, as it must" if control | fails else "DOES NOT FAIL" }}</td></tr>
</tbody></table></div>
<p class="caption">Control: {{ finding.control.what }}; wrong by {{ finding.control | miss | percent }}.</p>
<figure style="max-width: 34rem; margin-top: .8rem">{{ drawing | safe }}</figure>
"""
_OVERVIEW = """
<div class="scroll" tabindex="0"><table>
<thead><tr><th>claim</th><th>holds</th><th>as predicted</th><th>power</th><th>hypotheses</th><th>control</th></tr>
</thead>
<tbody>
{% for row in rows %}
<tr><td><a href="#{{ row.claim }}" style="color: inherit">{{ row.claim.replace("_", " ") }}</a></td>
<td>{{ row.holds }}</td><td>{{ row["as predicted"] }}</td><td>{{ row.power }}</td>
<td>{{ row.hypotheses }}</td><td>{{ row.control }}</td></tr>
{% endfor %}
</tbody></table></div>
"""
_SIGN = {"=": "=", "<=": "≤", ">=": "≥"}


def write(path: Path, results: Sequence[Result], config: dict[str, Any], environment: dict[str, Any]) -> None:
    """Write the page."""
    good = sum(result.good for result in results)
    wrong = ", ".join(result.claim.name for result in results if not result.good)
    summary = [
        f"{good} of {len(results)} claims hold, {duration(sum(result.seconds for result in results))}."
        + (f" Not: {wrong}." if wrong else ""),
        "A claim holds where every hypothesis is true, every number is as predicted, and the control, judged by the "
        "same rule, is contradicted.",
        f"Intervals of simulated means are {SIGMAS:g} standard errors to each side; those of exact numbers are the "
        f"rounding allowed, and inequalities between them are read with a relative {ROUNDING:g}.",
        "The power of a number is the smallest relative error of its prediction that would be caught; of a bound, how "
        "many times the measurement it is. A claim's power is that of its sharpest number. An identity is one formula "
        "beside another, with nothing measured: it has no power.",
    ]
    sections = [page.Section("Overview", _rendered(_OVERVIEW, rows=[row(result) for result in results]))]
    sections += [page.Section(result.claim.name.replace("_", " "), section(result)) for result in results]
    page.write(path, "Theorems and measurements", summary, config, environment, sections=sections)


def section(result: Result) -> str:
    """A claim's part of the page."""
    return _rendered(
        _SECTION,
        claim=result.claim,
        finding=result.finding,
        good=result.good,
        seconds=f"{result.seconds:.1f} s",
        rows=result.finding.comparisons,
        control=result.finding.control.comparison,
        strongest=sharpest(result.finding),
        drawing=page.svg(result.drawing),
    )


def _rendered(text: str, **values: Any) -> str:
    import jinja2

    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page.filters.update(cell=cell, interval=interval, holds=holds, fails=fails, sign=_SIGN.get)
    page.filters.update(percent=percent, miss=miss, sees=sees)
    return page.from_string(text).render(**values)


def interval(comparison: Comparison) -> str:
    """A comparison's interval as a table shows it."""
    if comparison.low == comparison.high:
        return "exact"
    width = (comparison.high - comparison.low) / 2
    if width < 1e-3 * abs(comparison.measured):
        return f"± {width:.1g}"
    return f"{cell(comparison.low)} to {cell(comparison.high)}"


def sees(comparison: Comparison) -> str:
    """A comparison's power as a table shows it: of a bound, how many times the measured end of the interval it is."""
    if comparison.identity:
        return "identity"
    end = {"<=": comparison.high, ">=": comparison.low}.get(comparison.relation)
    if end is None:
        return percent(power(comparison))
    ratio = comparison.predicted / end if end else math.inf
    return f"{ratio:.3g} times" if 0 < ratio < math.inf else ""
