"""A matplotlib figure that shows itself once in a notebook, and as SVG tells its values under the pointer.

It is made without pyplot, which would keep every figure and show it a second time at the end of a cell. Imported when
the first figure is drawn (`selfloop.drawing`), as matplotlib is.
"""

import html
import re
from io import BytesIO, StringIO
from typing import Any, NamedTuple

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.text import Text

RADIUS = 5.0
"""Of the circle about a value in which the pointer meets it (points)."""


class Tip(NamedTuple):
    """A value that a reader may point at; one that is outside the axes is met at their edge."""

    axes: Any
    x: float
    y: float
    text: str


class Figure(MatplotlibFigure):
    """A figure of matplotlib; what it adds is its pictures as bytes and text, and `tips`."""

    def __init__(self, width: float, height: float) -> None:
        """An empty figure of this size in inches, laid out so that nothing overlaps."""
        super().__init__((width, height), layout="constrained")
        FigureCanvasAgg(self)
        self.tips: list[Tip] = []

    def tip(self, axes: Any, x: float, y: float, text: str) -> None:
        """Say ``text`` where the pointer is at (x, y) of the axes."""
        self.tips.append(Tip(axes, x, y, text))

    def png(self, dpi: float = 160) -> bytes:
        """The figure as a PNG file on white; the same figure gives the same bytes."""
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
        return buffer.getvalue()

    def svg(self) -> str:
        """The figure as an SVG element to stand inside HTML, with its tips; same figure, same text."""
        out = StringIO()
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "selfloop"}):
            self.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        text = out.getvalue()[out.getvalue().index("<svg") :]
        text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
        text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)  # HTML knows these; without them the page names no address
        return text.replace("</svg>", "".join(map(self._circle, self.tips)) + "</svg>")

    def smallest_text(self) -> float:
        """Size of the smallest text that is drawn (points)."""
        sizes = [one.get_fontsize() for one in self.findobj(Text) if one.get_visible() and one.get_text().strip()]
        return min(sizes, default=10.0)

    def _circle(self, tip: Tip) -> str:
        (left, right), (low, high) = sorted(tip.axes.get_xlim()), sorted(tip.axes.get_ylim())
        inside = min(max(tip.x, left), right), min(max(tip.y, low), high)
        x, y = tip.axes.transData.transform(inside) * 72 / self.dpi
        place = f'cx="{x:.1f}" cy="{72 * self.get_figheight() - y:.1f}" r="{RADIUS:g}"'
        return f'<circle class="tip" {place}><title>{html.escape(tip.text)}</title></circle>'

    def _repr_png_(self) -> bytes:
        return self.png(110)
