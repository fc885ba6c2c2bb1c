"""The time left of work in steps of several kinds, from how long the recent steps of each kind took.

A generation is one kind of step, a generation that also audits is another, and each job has its own: so the time left
is a sum over kinds, ``steps left * seconds a step``. Seconds a step are a mean over the recent steps of the kind, its
first one left out (programs are compiled then), a lone spike counted as the next longest step, and no step with more
than twice the median (what is compiled later, or a pause of the machine). Kinds of which nothing is known yet take the
mean of those that are known, and each job that has not begun the median of what jobs took before their first step.
No clock is read here.
"""

import statistics
from collections import defaultdict, deque
from collections.abc import Hashable, Mapping
from typing import NamedTuple

RECENT = 20
"""Steps of a kind that count: what the machine did long ago is no guide to what it does now."""
SPIKE, LONE = 2.0, 3.0
"""Multiples of the median that a step counts with at most; of the next longest one, beyond which it is a lone spike."""
UNSEEN = 1.5
"""Multiples of its job's other steps that a sort of step takes of which none has been seen."""


class Kind(NamedTuple):
    """Steps that cost alike."""

    job: Hashable = ""
    """What they are part of; each has a beginning of its own (initial states, compilation)."""
    sort: str = ""
    """Which of its steps; the same sort costs about the same in other jobs."""


class Pace:
    """What is left of each kind, and what a step of it takes."""

    def __init__(self, left: Mapping[Kind, int]) -> None:
        self.left: dict[Kind, int] = dict(left)
        self._recent: dict[Kind, deque[float]] = defaultdict(lambda: deque(maxlen=RECENT))
        self._first: dict[Kind, float] = {}

    def done(self, kind: Kind, steps: int, seconds: float | None) -> None:
        """``steps`` steps of a kind took so many seconds; None: no time, they were done before or never will be."""
        self.left[kind] = max(self.left.get(kind, 0) - steps, 0)
        if seconds is None:
            return
        if kind in self._first:
            self._recent[kind].append(seconds / steps)
        else:
            self._first[kind] = seconds / steps

    def remaining(self) -> float | None:
        """Seconds left; None as long as nothing but first steps, which hold compilation, has been seen."""
        known = {kind: self._typical(kind) for kind in self._recent}
        if not known:
            return None if any(self.left.values()) else 0.0
        steps = sum(left * self._each(kind, known) for kind, left in self.left.items() if left)
        waiting = {kind.job for kind, left in self.left.items() if left} - {kind.job for kind in self._first}
        return steps + len(waiting) * self._beginning(known)

    def _typical(self, kind: Kind) -> float:
        """Seconds a step of a kind of which more than the first has been seen."""
        seconds = self._recent[kind]
        if len(seconds) == 1:
            return min(seconds[0], self._first[kind])
        ceiling = SPIKE * statistics.median(seconds)
        *_, second, longest = sorted(seconds)
        if LONE * second < longest:
            ceiling = min(ceiling, second)
        return statistics.fmean(min(one, ceiling) for one in seconds)

    def _each(self, kind: Kind, known: Mapping[Kind, float]) -> float:
        """Seconds a step: the kind's own; else those of its job, or of its sort in others."""
        if kind in known:
            return known[kind]
        job = [value for other, value in known.items() if other.job == kind.job]
        if job:  # another sort of step is one that does more
            return min(self._first.get(kind, UNSEEN * min(job)), SPIKE * min(job))
        sort = [value for other, value in known.items() if other.sort == kind.sort]
        return statistics.fmean(sort or known.values())

    def _beginning(self, known: Mapping[Kind, float]) -> float:
        """What a job takes beyond its steps, before its first one ends: the median of those that have begun."""
        begun = {}
        for kind, seconds in self._first.items():  # the first kind of a job that was seen
            begun.setdefault(kind.job, max(seconds - self._each(kind, known), 0.0))
        return statistics.median(begun.values())
