"""Durations in texts, and whether they are those of the table `selfloop/times.toml`."""

import re
import tomllib

from tests.docs.blocks import ROOT

TABLE = tomllib.loads((ROOT / "selfloop" / "times.toml").read_text("utf-8"))
UNITS = {"s": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
WORDS = {"a": 1, "an": 1, "half a": 0.5, "half an": 0.5, "ten": 10}
_NUMBERED = r"\d+(?:\.\d+)? (?:s|min|h|seconds?|minutes?|hours?)\b(?!/)"
_WORDED = r"(?:half an?|an?|ten) (?:minutes?|hours?)\b"
DURATION = re.compile(rf"\b(?P<limit>under |at most |within )?(?P<amount>{_NUMBERED}|{_WORDED})")


class Duration(str):
    """A duration as it is written."""

    @property
    def parts(self) -> tuple[bool, float, float]:
        """Whether it is a limit, its number, and its unit in seconds."""
        found = DURATION.fullmatch(self)
        number, unit = found["amount"].rsplit(" ", 1)
        return bool(found["limit"]), WORDS.get(number) or float(number), UNITS[unit.rstrip("s") or "s"]

    def is_of(self, seconds: float) -> bool:
        """Whether it says so many seconds: to half of its last digit, or as a limit that is not far off."""
        limit, number, unit = self.parts
        if limit:
            return seconds <= number * unit <= 4 * seconds
        return abs(seconds - number * unit) <= 0.5 * unit * min(number, 1)


def durations(text: str) -> list[Duration]:
    """All of a text."""
    return [Duration(found.group().strip()) for found in DURATION.finditer(text)]


def known(command: str) -> list[float]:
    """Seconds that the table has of a command and of the same one with other options."""
    return [value for name, row in TABLE.items() if name.split()[0] == command for value in row["seconds"].values()]


def wrong(text: str, command: str) -> list[str]:
    """Durations of a text about a command that are not in the table."""
    seconds = known(command)
    return [one for one in durations(text) if not any(one.is_of(value) for value in seconds)]
