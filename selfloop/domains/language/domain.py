"""The domain of text: what an experiment must know of it."""

from selfloop.domains.language import observe, pages, setup
from selfloop.domains.language.arms import ARMS
from selfloop.domains.language.correctors.table import CORRECTORS
from selfloop.domains.language.settings import LanguageSettings, check
from selfloop.engine.domain import Domain, Measure

MEASURES = (
    Measure("heldout_bits", "bits/character", "", "less", headline=True),
    Measure("heldout_loss", "nats/token", "", "less", optional=True),
    Measure("bits_first", "bits/character", "artefact", headline=True),
    Measure("unknown_words", "", "artefact", "less", headline=True),
    Measure("repeated_words", "", "artefact"),
    Measure("length", "characters", "moment", headline=True),
    Measure("types", "", "mode"),
    Measure("known_types", "", "mode", "more", headline=True),
    Measure("word_entropy", "bits", "mode", "more"),
    Measure("pair_entropy", "bits", "mode", "more"),
    Measure("zipf_slope", "", "mode"),
    Measure("distinct", "", "mode", "more"),
    Measure("mauve_like", "", "mode", "more", headline=True),
    Measure("failed"),
    Measure("moved", "words"),
    Measure("kept", optional=True),
    Measure("auc", optional=True),
    Measure("effective", optional=True),
)

LANGUAGE = Domain(
    name="language",
    settings=LanguageSettings,
    data=setup.data,
    model=setup.model,
    observe=observe.observer,
    numbers=observe.numbers,
    arms=ARMS,
    correctors=CORRECTORS,
    spaces=("content", "style", "artefacts"),
    audited=("style", "artefacts"),
    measures=MEASURES,
    axes=("temperature",),
    first_fits=setup.first_fits,
    check=check,
    title="Self-consuming training on text",
    sections=pages.sections,
)
