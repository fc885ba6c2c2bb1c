"""The domain of text: what an experiment must know of it."""

from selfloop.domains.language import observe, pages, setup
from selfloop.domains.language.arms import ARMS
from selfloop.domains.language.correctors.table import CORRECTORS
from selfloop.domains.language.measures import MEASURES
from selfloop.domains.language.settings import LanguageSettings, check
from selfloop.engine.domain import Domain

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
