"""What a reader reads: documents of the first seed at the first, middle and last audited generation of every arm."""

import html
from pathlib import Path

from selfloop.domains.language import text
from selfloop.domains.language.alphabet import Alphabet, decode
from selfloop.domains.language.setup import alphabet_of, tokens_of
from selfloop.domains.language.tokens import Tokens
from selfloop.engine import folder
from selfloop.engine.folder import Held
from selfloop.errors import DataError
from selfloop.runs import record

SHOWN = 3
"""Documents a generation."""
ABOUT = (
    "Documents of one seed, with the same random numbers, at the first, middle and last generation that was audited; "
    "under ⇒ the same document after the arm's corrector, where it changed."
)


def sections(out: Path) -> list[tuple[str, str]]:
    """The page's section of generated text, of the first cell of every arm; none where the text is no longer there."""
    config, held = record.read_json(out / "config.json"), folder.first_chains(out)
    try:
        corpus = text.load(config["data"], config["documents"], config["length"] - 1)
    except DataError:
        return []
    known = alphabet_of(corpus, config["alphabet"])
    coder = tokens_of(corpus, known, config.get("pieces", 0), config["length"])
    rows = [row for chain in held for row in _rows(chain, known, coder)]
    head = "<tr><th>arm</th><th>generation</th><th>documents</th></tr>"
    return [("Text", f"<p>{ABOUT}</p><table>{head}{''.join(rows)}</table>")] if rows else []


def _rows(chain: Held, known: Alphabet, coder: Tokens) -> list[str]:
    shown = {t: folder.samples(chain, t) for t in folder.generations(chain.folder)}
    kept = sorted(t for t, arrays in shown.items() if "x" in arrays)
    rows = []
    for t in dict.fromkeys((kept[0], min(kept, key=lambda t: abs(2 * t - kept[-1])), kept[-1]) if kept else ()):
        raw = decode(known, coder.spell(shown[t]["x"][:SHOWN]))
        fixed = decode(known, coder.spell(shown[t].get("corrected/x", shown[t]["x"])[:SHOWN]))
        lines = [_line(one, two) for one, two in zip(raw, fixed, strict=True)]
        rows.append(f"<tr><td>{chain.arm}</td><td>{t}</td><td>{'<br>'.join(lines)}</td></tr>")
    return rows


def _line(raw: str, fixed: str) -> str:
    after = "" if raw == fixed else f"<br>⇒ {html.escape(fixed)}"
    return html.escape(raw) + after
