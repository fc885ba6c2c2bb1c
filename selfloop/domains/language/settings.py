"""Settings of language experiments, and their presets."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from selfloop.domains.language.arms import ARMS
from selfloop.domains.language.text import Kind
from selfloop.engine.settings import Settings, one_of, option, within
from selfloop.errors import ConfigError

if TYPE_CHECKING:
    ArmName: TypeAlias = str
else:
    ArmName = Literal[tuple(ARMS)]  # what tyro offers and checks


@dataclass(frozen=True)
class LanguageSettings(Settings):
    """The self-consuming loop on text: a language model writes what the next one reads."""

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
    """Where a document of the file ends: at the end of a line, at a blank line, or at <|endoftext|> alone."""
    length: int = 128
    """Characters of a document, its end among them; longer documents are left out."""
    alphabet: int = 63
    """Different characters; where a text has more, the rarest are one."""
    model: Literal["ngram", "transformer"] = "ngram"
    """ngram: Witten-Bell, of characters, counted anew every generation; transformer: decoder-only, trained."""
    pieces: int = 0
    """Byte-pair tokens that the transformer reads and writes (extra `pieces`), learned from the train part; 0 for
    characters. Correctors read characters."""
    width: int = 64
    """Width of the transformer, a multiple of twice --heads."""
    layers: int = 2
    """Of the transformer."""
    heads: int = 4
    """Of its attention."""
    batch: int = 32
    """Documents a training step."""
    first_steps: int = 600
    """Training steps of generation 0."""
    steps: int = 300
    """Training steps of every later generation; with --refit from_scratch it has --first-steps too."""
    rate: float = 3e-3
    """Peak learning rate of generation 0."""
    fine_rate: float = 1e-3
    """Learning rate of every later generation."""
    order: int = 6
    """The n of the n-gram."""
    bits: int = 17
    """A table of contexts has at most 2^bits rows."""
    words: int = 10000
    """Words that types and entropies are counted on, NaN where the evaluation samples have fewer."""


def default() -> LanguageSettings:
    """Six arms, 2 seeds, 10 generations of 8,000 verses: some 18 minutes of CPU on a busy machine."""
    return LanguageSettings()


def smoke() -> LanguageSettings:
    """The same in miniature: three arms, 3 generations of 1,000 verses."""
    arms = ("uncorrected", "replace", "replace_repair")
    return LanguageSettings(preset="smoke", out=Path("runs/language_smoke"), arms=arms, n=(1000,), generations=3,
                            evaluate=400, audit_every=3, bits=14, words=3000)  # fmt: skip


def small() -> LanguageSettings:
    """A transformer of 130,000 weights and 512 pieces on 2,000 verses: replace and accumulate, 3 generations."""
    return LanguageSettings(preset="transformer", out=Path("runs/language_transformer"), arms=("replace", "accumulate"),
                            model="transformer", pieces=512, n=(2000,), generations=3, seeds=1, evaluate=400,
                            audit_every=3, words=3000, refit="from_scratch", first_steps=300)  # fmt: skip


def gpu() -> LanguageSettings:
    """Gerstgrasser et al.'s question at their scale: 12 million weights, 8,192 pieces, 50,000 stories of TinyStories
    (--data FILE), replace and accumulate, a new model for each of 4 generations. For one GPU of 24 GB or more; its
    arithmetic is counted in docs/language.md, and it has not been run.
    """
    return LanguageSettings(preset="gpu", out=Path("runs/language_gpu"), arms=("replace", "accumulate"),
                            documents="marks", model="transformer", pieces=8192, n=(50_000,), length=1024,
                            generations=4, seeds=1, audit_every=4, width=384, layers=5, heads=6, batch=128,
                            refit="from_scratch", first_steps=1200, steps=1200, rate=1e-3, fine_rate=1e-4)  # fmt: skip


PRESETS: dict[str, Callable[[], LanguageSettings]] = {
    "default": default,
    "smoke": smoke,
    "transformer": small,
    "gpu": gpu,
}
MOST_PIECES = 65_536


def check(settings: LanguageSettings) -> None:
    """ConfigError for settings that cannot be."""
    within(settings, {"length": 8, "alphabet": 2, "order": 1, "bits": 1, "words": 1, "pieces": 0, "width": 2,
                      "layers": 1, "heads": 1, "batch": 1, "first_steps": 1, "steps": 1})  # fmt: skip
    one_of("documents", settings.documents, get_args(Kind))
    one_of("model", settings.model, ("ngram", "transformer"))
    for value in settings.temperature:
        if not value > 0:
            raise ConfigError(f"--temperature is {value}; give a number above 0")
    if not settings.gamma >= 0:
        raise ConfigError(f"--gamma is {settings.gamma}; give 0 or more")
    for name in ("rate", "fine_rate"):
        if not 0 < (value := getattr(settings, name)) < 1:
            raise ConfigError(f"{option(name)} is {value}; give a number between 0 and 1")
    if settings.model == "transformer" and settings.width % (2 * settings.heads):
        raise ConfigError(
            f"--width is {settings.width} with {settings.heads} --heads; give a multiple of {2 * settings.heads}"
        )
    if settings.pieces:
        _check_pieces(settings)


def _check_pieces(settings: LanguageSettings) -> None:
    if settings.model != "transformer":
        raise ConfigError(f"--pieces is {settings.pieces} with --model {settings.model}, which reads characters; "
                          "give --model transformer, or --pieces 0")  # fmt: skip
    if not 2 * settings.alphabet <= settings.pieces <= MOST_PIECES:
        raise ConfigError(f"--pieces is {settings.pieces}; give 0, or {2 * settings.alphabet} (twice --alphabet) to "
                          f"{MOST_PIECES}")  # fmt: skip
    for arm in settings.arms:
        if ARMS[arm].corrector != "identity":
            raise ConfigError(f"--arms {arm} corrects characters, and --pieces is {settings.pieces}; give --pieces 0, "
                              "or another arm")  # fmt: skip
