"""Settings of molecule experiments, and their presets."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from selfloop.domains.molecules.arms import ARMS
from selfloop.engine.settings import Settings, within
from selfloop.errors import ConfigError

if TYPE_CHECKING:
    ArmName: TypeAlias = str
else:
    ArmName = Literal[tuple(ARMS)]  # what tyro offers and checks


@dataclass(frozen=True)
class MoleculeSettings(Settings):
    """The self-consuming loop on conformers of a molecule, whose law is Boltzmann's."""

    data: str | None = None
    """An SDF or XYZ file of one molecule's conformers (needs RDKit: extra `molecules`); None for alanine dipeptide at
    600 K, which is shipped."""
    out: Path = Path("runs/molecule_loop")
    arms: tuple[ArmName, ...] = ("replace", "replace_minimise", "replace_hmc_80", "replace_ideal", "accumulate")
    """augment: uncorrected, minimise (40 steps down the energy), langevin_K and hmc_K (Boltzmann's law for K gradients
    a conformer: Metropolised Langevin, Hamiltonian Monte Carlo), ideal; replace and replace_CORRECTOR: own conformers
    alone; accumulate: older ones stay; baseline: real data alone."""
    n: tuple[int, ...] = (1500,)
    generations: int = 8
    evaluate: int = 1500
    audit_every: int = 4
    temperature: float = 600.0
    """Kelvin, of the law that physics corrects to; that of the real conformers."""
    gamma: float = 1.0
    """Strength of ideal: a share gamma / (1 + gamma) of conformers is replaced by real ones."""
    first_steps: int = 2500
    """Training steps of generation 0."""
    steps: int = 300
    """Training steps of every later generation."""
    rate: float = 2e-3
    """Peak learning rate of generation 0."""
    fine_rate: float = 5e-4
    """Learning rate of every later generation."""
    batch: int = 256
    """Conformers a training step."""
    width: int = 128
    """Width of the network."""
    layers: int = 2
    """Its residual layers."""
    sample_steps: int = 40
    """Steps from noise to a conformer."""


LOWEST = {"first_steps": 1, "steps": 1, "batch": 2, "width": 8, "layers": 1, "sample_steps": 1}


def check(settings: MoleculeSettings) -> None:
    """ConfigError for the first setting of molecules that cannot be."""
    within(settings, LOWEST)
    if not settings.temperature > 0:
        raise ConfigError(f"--temperature is {settings.temperature}; give kelvin, above 0")
    if not settings.gamma >= 0:
        raise ConfigError(f"--gamma is {settings.gamma}; give 0 or more")


def default() -> MoleculeSettings:
    """Five arms, 2 seeds, 8 generations of 1,500 conformers of alanine dipeptide."""
    return MoleculeSettings()


def smoke() -> MoleculeSettings:
    """The same in miniature: three arms, 3 generations of 400 conformers."""
    arms = ("replace", "replace_minimise", "replace_hmc_80")
    return MoleculeSettings(
        preset="smoke", out=Path("runs/molecule_smoke"), arms=arms, n=(400,), generations=3, seeds=1, evaluate=300,
        audit_every=3, first_steps=400, steps=60, sample_steps=20,
    )  # fmt: skip


def gpu() -> MoleculeSettings:
    """Eleven arms with up to 1,280 gradients a conformer, a wider network, 20 generations, 5 seeds; for one card."""
    corrected = ("minimise", "ideal", "langevin_80", "hmc_20", "hmc_80", "hmc_320", "hmc_1280")
    arms = ("baseline", "uncorrected", "replace", *(f"replace_{name}" for name in corrected), "accumulate")
    return MoleculeSettings(
        preset="gpu", out=Path("runs/molecule_gpu"), arms=arms, n=(2400,), generations=20, seeds=5, together=8,
        first_steps=20_000, steps=1000, batch=512, width=512, layers=4,
    )  # fmt: skip


PRESETS: dict[str, Callable[[], MoleculeSettings]] = {"smoke": smoke, "default": default, "gpu": gpu}
