"""The domain of molecules: what an experiment must know of its subject."""

from functools import partial

from selfloop.domains.molecules import observe, pages, setup
from selfloop.domains.molecules.arms import ARMS
from selfloop.domains.molecules.correctors import table
from selfloop.domains.molecules.correctors.table import CORRECTORS
from selfloop.domains.molecules.settings import MoleculeSettings, check
from selfloop.engine.domain import Data, Domain
from selfloop.protocols import Corrector


def _make(name: str, settings: MoleculeSettings, data: Data) -> Corrector:
    known = table.Known(data.own.molecule, settings.temperature, data.own.spare, settings.gamma)
    return table.make(name, known)


MOLECULES = Domain(
    name="molecules",
    settings=MoleculeSettings,
    data=setup.data,
    model=setup.model,
    observe=observe.observer,
    arms=ARMS,
    correctors={name: partial(_make, name) for name in CORRECTORS},
    spaces=("torsions", "local"),
    audited=("local",),
    measures=observe.MEASURES,
    first_fits=setup.first_fits,
    check=check,
    title="Self-consuming training on molecules",
    sections=pages.sections,
)
