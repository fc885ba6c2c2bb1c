"""What the motions of a set are called in English: several sentences for every label and style, one never trained on.

Letters: M meanings (pairs of label and style), P sentences a meaning, V = M P captions.
"""

import itertools
import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from selfloop.domains.motion.data.clip import Clip
from selfloop.domains.motion.data.labels import caption

_STYLED = (
    "{a} {style} person {does}",
    "someone {does}, and does so in {a} {style} manner",
    "the figure {does} as {a} {style} human would",
    "we see a human {do} in {a} {style} way",
    "somebody who seems {style} {does}",
)
_PLAIN = ("someone {does}", "this human {does}", "the figure {does}", "we see a human {do}", "somebody {does}")
_INFINITIVE = {"does": "do", "punches": "punch"}

PARAPHRASES = 1 + len(_STYLED)
"""P. The last one of every meaning is for evaluation: a sentence, and words in it, that no training has seen."""


def captions(label: str, style: str = "") -> tuple[str, ...]:
    """`PARAPHRASES` different sentences for a label and style, the first `labels.caption`'s; style "normal" is none.

    Where style holds sentences, one a line (`meaning`), they are those, repeated as often as needed, and the last one
    is kept for evaluation.

    "a person runs in an elderly style", "an elderly person runs", ..., "somebody who seems elderly runs".
    """
    if "\n" in style:
        return _own(style.splitlines())
    does, style = caption(label).removeprefix("a person "), _unmarked(style)
    # The verb, and the second one in "walks and turns".
    do = re.sub(r"^\w+|(?<=and )turns\b", lambda verb: _INFINITIVE.get(verb[0], verb[0][:-1]), does)
    words = {"does": does, "do": do, "style": style, "a": "an" if style[:1] in tuple("aeiou") else "a"}
    return (caption(label, style), *(sentence.format(**words) for sentence in (_STYLED if style else _PLAIN)))


def meaning(clip: Clip) -> tuple[str, str]:
    """The label and style of a clip; for style its own sentences, one a line, where somebody wrote them."""
    return clip.label, "\n".join([*clip.texts, ""]) if clip.texts else clip.style


def _own(sentences: list[str]) -> tuple[str, ...]:
    """The P captions that are these sentences; a single one is trained on and asked for alike."""
    trained = sentences[:-1] or sentences
    return (*itertools.islice(itertools.cycle(trained), PARAPHRASES - 1), sentences[-1])


def _unmarked(style: str) -> str:
    return "" if style == "normal" else style


class Vocabulary(NamedTuple):
    """All captions of a set: the P sentences of the first meaning, of the second, and so on."""

    texts: tuple[str, ...]
    """The sentences [V]."""
    labels: tuple[str, ...]
    """The label that each sentence stands for [V]: the names of the conditions, for evaluators and correctors."""
    meanings: tuple[tuple[str, str], ...]
    """The pairs (label, style) [M], sorted; style "normal" is none."""

    def within(self, label: str, style: str = "") -> slice:
        """Where the sentences of a label and style are; KeyError where the set has no such pair."""
        (at,) = self.find([(label, style)])
        if at < 0:
            raise KeyError((label, style))
        return slice(at * PARAPHRASES, (at + 1) * PARAPHRASES)

    def find(self, pairs: Iterable[tuple[str, str]]) -> np.ndarray:
        """The meaning of each of N pairs of label and style [N], int32; -1 where the set has no such pair."""
        place = {pair: i for i, pair in enumerate(self.meanings)}
        return np.array([place.get((label, _unmarked(style)), -1) for label, style in pairs], np.int32)

    @property
    def meaning(self) -> np.ndarray:
        """The meaning of each sentence [V], int32."""
        return np.repeat(np.arange(len(self.meanings), dtype=np.int32), PARAPHRASES)

    @property
    def trained(self) -> np.ndarray:
        """For each meaning the places of the sentences that a model may train on [M, P - 1], int32."""
        return np.arange(len(self.texts), dtype=np.int32).reshape(-1, PARAPHRASES)[:, :-1]

    @property
    def held_out(self) -> np.ndarray:
        """For each meaning the place of the sentence that no model trains on [M], int32."""
        return np.arange(len(self.texts), dtype=np.int32).reshape(-1, PARAPHRASES)[:, -1]

    def asked(self, captions: np.ndarray) -> np.ndarray:
        """For evaluation: the sentence that no model trains on in place of each of N captions of its meaning [N]."""
        return self.held_out[self.meaning[captions]]


def vocabulary(pairs: Iterable[tuple[str, str]]) -> Vocabulary:
    """The captions of a set whose clips have these labels and styles."""
    meanings = tuple(sorted({(label, _unmarked(style)) for label, style in pairs}))
    texts = tuple(text for pair in meanings for text in captions(*pair))
    return Vocabulary(texts, tuple(label for label, _ in meanings for _ in range(PARAPHRASES)), meanings)
