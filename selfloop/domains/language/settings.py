"""Settings of language experiments, and their presets."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from selfloop.domains.language.arms import ARMS
from selfloop.domains.language.text import Kind
from selfloop.engine.settings import Settings, one_of, within
from selfloop.errors import ConfigError

if TYPE_CHECKING:
    ArmName: TypeAlias = str
else:
    ArmName = Literal[tuple(ARMS)]  # what tyro offers and checks


@dataclass(frozen=True)
class LanguageSettings(Settings):
    """The self-consuming loop on text: a character n-gram writes what the next one reads."""

    data: str | None = None
    """A text file (UTF-8, maybe .xz); None for the King James verses that are shipped."""
    out: Path = Path("runs/language_loop")
    arms: tuple[ArmName, ...] = ("uncorrected", "replace", "tenth", "accumulate", "replace_repair", "replace_reject")
    """augment: uncorrected, repair, reject, reject_length, band, detector_frozen, detector_online, idealised, fresh;
    replace and replace_CORRECTOR: own samples alone; tenth: a tenth of them real; accumulate: older samples stay;
    accumulate_subsample: n of them all; baseline: real data alone."""
    n: tuple[int, ...] = (8000,)
    generations: int = 10
    evaluate: int = 2000
    temperature: tuple[float, ...] = (1.0,)
    """Sampling temperatures: tokens are drawn by p^(1/temperature)."""
    gamma: float = 1.0
    """Strength of the idealised corrector: a share gamma / (1 + gamma) of samples is replaced by real documents."""
    documents: Kind = "lines"
    """Where a document of the file ends: at the end of a line, or at a blank line."""
    length: int = 128
    """Tokens of a document, its end among them; longer documents are left out."""
    alphabet: int = 63
    """Different characters; where a text has more, the rarest are one."""
    order: int = 6
    """The n of the n-gram."""
    bits: int = 17
    """A table of contexts has at most 2^bits rows."""
    words: int = 10000
    """Words that types and entropies are counted on, NaN where the evaluation samples have fewer."""


def default() -> LanguageSettings:
    """Six arms, 2 seeds, 10 generations of 8,000 verses: some 5 minutes of CPU."""
    return LanguageSettings()


def smoke() -> LanguageSettings:
    """The same in miniature: three arms, 3 generations of 1,000 verses."""
    arms = ("uncorrected", "replace", "replace_repair")
    return LanguageSettings(preset="smoke", out=Path("runs/language_smoke"), arms=arms, n=(1000,), generations=3,
                            evaluate=400, audit_every=3, bits=14, words=3000)  # fmt: skip


PRESETS: dict[str, Callable[[], LanguageSettings]] = {"default": default, "smoke": smoke}


def check(settings: LanguageSettings) -> None:
    """ConfigError for settings that cannot be."""
    within(settings, {"length": 8, "alphabet": 2, "order": 1, "bits": 1, "words": 1})
    one_of("documents", settings.documents, ("lines", "blank"))
    for value in settings.temperature:
        if not value > 0:
            raise ConfigError(f"--temperature is {value}; give a number above 0")
    if not settings.gamma >= 0:
        raise ConfigError(f"--gamma is {settings.gamma}; give 0 or more")
