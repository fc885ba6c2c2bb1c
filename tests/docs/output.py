"""Whether a program printed what a page says: the same words, and numbers that agree to the digits shown.

Numbers may differ by one unit of the last digit shown, or by the share that the page allows, as other machines add in
another order. A line ``...`` in the page stands for all that follows.
"""

import re

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)


def differences(page: str, printed: str, within: float = 0.0, varies: tuple[str, ...] = ()) -> list[str]:
    """What is not as the page says, line by line."""
    wanted, found = _lines(page), _lines(printed)
    if wanted and wanted[-1] == "...":
        wanted = wanted[:-1]
        found = found[: len(wanted)]
    if len(wanted) != len(found):
        return [f"{len(found)} lines were printed, and the page has {len(wanted)}:\n{printed}"]
    return [
        f"page:    {one}\nprinted: {other}"
        for one, other in zip(wanted, found, strict=True)
        if not _alike(one, other, within, any(one.startswith(label) for label in varies))
    ]


def numbers_begin(comment: str, printed: str) -> bool:
    """Whether a comment beside a ``print`` starts with the numbers that it printed."""
    said, found = NUMBER.findall(comment), NUMBER.findall(printed)
    return bool(found) and len(said) >= len(found) and all(map(_close, said, found, [0.0] * len(found)))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def _alike(one: str, other: str, within: float, varies: bool) -> bool:  # noqa: FBT001
    words = [" ".join(NUMBER.sub("#", line).split()) for line in (one, other)]
    if words[0] != words[1]:
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return varies or all(_close(said, found, within) for said, found in pairs)


def _close(said: str, found: str, within: float) -> bool:
    return abs(float(said) - float(found)) <= max(1.001 * _unit(said), within * abs(float(said)))


def _unit(number: str) -> float:
    """One unit in the last digit shown."""
    mantissa, _, exponent = number.lower().partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
