"""Labels, styles and captions: what a clip is called, from its file's name or from texts beside it."""

import math
import re
from dataclasses import replace

from selfloop.domains.motion.data.clip import MIRRORED, Clip

_BANDAI = re.compile(r"dataset-\d+_(?P<label>[^_]+)_(?P<style>[^_]+)_\d+$")
_VERBS = {"walk": "walks", "run": "runs", "wave": "waves", "raise": "raises", "dance": "dances", "jump": "jumps",
          "kick": "kicks", "punch": "punches", "crawl": "crawls", "jog": "jogs", "roll": "rolls", "spin": "spins",
          "getup": "gets up", "motion": "moves", "backflip": "does a backflip", "sideflip": "does a sideflip",
          "cartwheel": "turns a cartwheel", "spinkick": "does a spin kick", "stealthy": "walks stealthily",
          "zombie": "walks like a zombie"}  # fmt: skip
_SET = re.compile(r"(?:^|_)humanoid3d_")
_TAGGED = re.compile(r"^(?P<text>[^#]+)#[^#]*#(?P<start>[^#]*)#(?P<end>[^#]*)$")


def of_file(name: str) -> tuple[str, str]:
    """Label and style in a file's name: Bandai-Namco's ``dataset-N_label_style_number``, else the name less numbers."""
    words = _BANDAI.match(name)
    return (words["label"], words["style"]) if words else (_plain(name), "")


def without_set(name: str) -> str:
    """A DeepMimic name without the name of its set: ``sie_run`` of ``sie_humanoid3d_run``."""
    return _SET.sub(lambda found: "_" if found[0].startswith("_") else "", name)


def of_deepmimic(name: str) -> str:
    """The label in a DeepMimic file's name: what comes after the name of the set."""
    return _plain(_SET.split(name)[-1])


def _plain(name: str) -> str:
    """The label in a name: variants, sides, lengths and numbers merged."""
    word = name.removesuffix(MIRRORED).removeprefix("long_").rstrip("0123456789-_")
    for start in ("dance", "getup", "stealthy", "zombie"):
        if word.startswith(start):
            return start
    return re.sub(r"_[a-z]$", "", word) or "motion"


def caption(label: str, style: str = "") -> str:
    """An English sentence for a label and style, by template: "a person walks in an elderly style"."""
    first, *rest = re.split(r"[-_ ]", label)
    phrase = " ".join([_VERBS.get(first, f"performs {first}"), *rest])
    phrase = re.sub(r"waves? (both|left|right)", r"waves \1", phrase).replace("walks turn", "walks and turns")
    phrase = re.sub(r"\b(left|right) hand", r"the \1 hand", phrase).replace("both hands", "both hands")
    if not style or style == "normal":
        return f"a person {phrase}"
    return f"a person {phrase} in {'an' if style[0] in 'aeiou' else 'a'} {style} style"


def texts(content: str, *, named: bool) -> tuple[str, ...]:
    """The sentences of HumanML3D's text file, those about the whole clip first; empty where it is no such file.

    A line is ``sentence#tokens#from#to`` (s; 0 and 0: the whole clip). Sentences about a part of the clip count only
    where there is none about the whole. Without tags, as other sets write texts, every line is one; then the file's
    folder must say that it holds texts (``named``).
    """
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    tagged = [match for line in lines if (match := _TAGGED.match(line))]
    if len(tagged) < len(lines):
        return tuple(lines) if named and not tagged else ()
    whole = [match["text"].strip() for match in tagged if not (_seconds(match["start"]) or _seconds(match["end"]))]
    return tuple(dict.fromkeys(whole or [match["text"].strip() for match in tagged]))


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return 0.0 if math.isnan(value) else value


def with_texts(clip: Clip, sentences: tuple[str, ...]) -> Clip:
    """The clip with sentences of its own, the first of which is its caption."""
    return replace(clip, texts=sentences, caption=sentences[0].rstrip(" .")) if sentences else clip
