"""A small text in a made-up language of thirty words, and settings that suit it."""

import numpy as np

from selfloop.domains.language.settings import LanguageSettings

WORDS = [a + b + c for a in "bdk" for b in "aeiou" for c in ("n", "lem")]
LENGTH = 40


def lines(count, seed=0):
    """Different documents of two to five words, the first words the commonest."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, len(WORDS) + 1)
    found = {}
    while len(found) < count:
        found[" ".join(rng.choice(WORDS, rng.integers(2, 6), p=share / share.sum())) + "."] = None
    return list(found)


def settings(folder, count=400, **changes):
    """Of an experiment on ``count`` such documents."""
    path = folder / "text.txt"
    path.write_text("\n".join(lines(count)))
    given = {"data": str(path), "n": (100,), "length": LENGTH, "order": 3, "bits": 10, "evaluate": 60, "generations": 2,
             "seeds": 2, "audit_every": 2, "words": 100, "out": folder / "run",
             "arms": ("uncorrected", "replace_repair")}  # fmt: skip
    return LanguageSettings(**given | changes)
