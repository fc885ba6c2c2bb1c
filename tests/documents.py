"""All documents of two letters and an end, for models of text that can be enumerated."""

import itertools

import numpy as np

V, T = 3, 4
"""Symbols, of which 0 is the end; places."""
EVERY = [(*found, *[0] * (T - len(found))) for size in range(T + 1) for found in itertools.product((1, 2), repeat=size)]


def at_half_temperature(law):
    """The law of every document where each of its symbols has its probability squared, not the document."""
    known = dict(zip(EVERY, law.tolist(), strict=True))
    prefix = lambda head: sum(p for one, p in known.items() if one[: len(head)] == head)  # noqa: E731
    squared = []
    for one in EVERY:
        p = 1.0
        for t in range(T):
            choices = [prefix((*one[:t], y)) for y in range(V)]
            p *= choices[one[t]] ** 2 / sum(c**2 for c in choices)
            if one[t] == 0:
                break
        squared.append(p)
    return np.array(squared)
