"""What is measured of conformers: points by torsions and by local geometry, energies, and the Ramachandran map.

Spaces: ``torsions``, cosines and sines of free torsions; ``local``, bonds and angles in units of the reference's own
spread. Energies are those above the molecule's minimum. Letters: N conformers, K free torsions, M reference ones.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from selfloop import metrics
from selfloop.batch import Batch
from selfloop.domains.molecules.coordinates import Internal, fitted
from selfloop.domains.molecules.forcefield import energy
from selfloop.domains.molecules.geometry import dihedrals, distances
from selfloop.domains.molecules.molecule import Molecule
from selfloop.domains.molecules.settings import MoleculeSettings
from selfloop.engine.domain import Data, Measure, Observation

CELLS = 18
"""Of the Ramachandran map, a side."""
LEVELS = 20
"""Of the histogram of energies: intervals that hold as many reference conformers each."""
SLICES = 32
"""Random directions behind the sliced Wasserstein distance."""
CAP = 4.0
"""Multiples of the reference's largest energy above which energies count as no more: one clash must not be a mean."""

SHARE = {"least": 0, "most": 1}
MEASURES = (
    Measure("energy_median", "kcal/mol", "artefact", headline=True, about="Median MMFF94 energy above the minimum"),
    Measure(
        "energy", "kcal/mol", "artefact", least=0,
        about="Mean energy above the molecule's minimum, each capped at four times the reference's largest",
    ),
    Measure(
        "hot", "", "artefact", "less", **SHARE,
        about="Share of conformers above the reference's 99 % quantile of energy; 0.01 is as it should be",
    ),
    Measure(
        "cold", "", "artefact", **SHARE,
        about="Share of conformers below the reference's 1 % quantile of energy; 0.01 is as it should be, more is a "
        "law without heat",
    ),
    Measure(
        "energy_tv", "", "artefact", "less", **SHARE,
        about="Total variation between the histograms of energies of samples and reference, over 20 intervals of "
        "equal reference weight",
    ),
    Measure(
        "bond_spread", "", "within", headline=True, least=0,
        about="Standard deviation of a bond's length over that of the reference, mean over bonds: 1 is as it should be",
    ),
    Measure(
        "map_tv", "", "mode", "less", headline=True, **SHARE,
        about="Total variation between the maps (18 x 18 cells) of the first two free torsions of samples and of the "
        "reference; of phi and psi it is the Ramachandran map",
    ),
    Measure("map_entropy", "nats", "mode", "more", headline=True, least=0, about="Entropy of that map"),
    Measure(
        "rare", "", "mode", headline=True, optional=True, **SHARE,
        about="Share of conformers in the rare basin phi > 0 (C7ax)",
    ),
    Measure(
        "other_form", "", "artefact", "less", **SHARE,
        about="Share of conformers of another chirality, or cis where the molecule is trans",
    ),
    Measure(
        "torsion_w2", "", "mode", "less", least=0,
        about="Sliced 2-Wasserstein distance to the reference in cosines and sines of the free torsions",
    ),
    Measure(
        "moved", "A", least=0,
        about="Root mean square distance of atoms between a conformer and its correction, in the frame of the "
        "molecule's middle",
    ),
    Measure("failed", about="Conformers whose correction failed; they are never trained on", least=0.0),
    Measure("accepted", optional=True, about="Share of the Markov kernel's proposals that were taken", **SHARE),
    Measure("work", optional=True, about="Gradients of the energy that a conformer's correction took", least=0),
)  # fmt: skip
"""What readers are told."""


class Against(NamedTuple):
    """What conformers are held against; a pytree."""

    bonds: Array
    """Standard deviations of the reference's bonds [B]."""
    edges: Array
    """Inner edges of the energy's histogram [LEVELS - 1]."""
    limits: Array
    """1 and 99 % quantiles of its energies, and the cap [3]."""
    map: Array
    """Its Ramachandran map [CELLS ** 2]."""
    points: Array
    """Of the reference in torsions [M, 2 K]."""


def observer(settings: MoleculeSettings, data: Data) -> Partial:
    """``observe(batch) -> Observation`` of conformers [N, A, 3]."""
    known, x = data.own.molecule, data.reference.x
    local = fitted(known, x)
    return Partial(partial(describe, known, local), against(known, x))


def against(known: Molecule, x: Array) -> Against:
    """What conformers are held against, from reference conformers x [M, A, 3]."""
    value = above(known, x)
    low, high = jnp.quantile(value, jnp.asarray([0.01, 0.99]))
    edges = jnp.quantile(value, jnp.arange(1, LEVELS) / LEVELS)
    angle = dihedrals(x, known.free)
    return Against(
        distances(x, known.bonds).std(0), edges, jnp.stack([low, high, CAP * value.max()]), ramachandran(angle),
        circle(angle),
    )  # fmt: skip


def describe(known: Molecule, local: Internal, on: Against, batch: Batch) -> Observation:
    """What is measured of each conformer, and of all."""
    x, angle = batch.x, dihedrals(batch.x, known.free)
    value, points, shares = above(known, x), circle(angle), ramachandran(angle)
    low, high, most = on.limits
    values = {
        "energy": jnp.minimum(value, most),
        "hot": (value > high).astype(x.dtype),
        "cold": (value < low).astype(x.dtype),
        "other_form": (~known.own_form(x)).astype(x.dtype),
    }
    if known.rare is not None:
        values["rare"] = (angle[:, known.rare] > 0).astype(x.dtype)
    counts = (jnp.searchsorted(on.edges, value)[:, None] == jnp.arange(LEVELS)[None]).mean(0).astype(x.dtype)
    numbers = {
        "energy_median": jnp.median(value),
        "energy_tv": 0.5 * jnp.abs(counts - 1 / LEVELS).sum(),
        "bond_spread": (distances(x, known.bonds).std(0) / on.bonds).mean(),
        "map_tv": 0.5 * jnp.abs(shares - on.map).sum(),
        "map_entropy": -jnp.where(shares > 0, shares * jnp.log(jnp.where(shares > 0, shares, 1)), 0).sum(),
        "torsion_w2": metrics.sliced_wasserstein(jax.random.key(0), points, on.points, slices=SLICES),
    }
    spaces = {"torsions": points, "local": local.forward(x)[:, : local.local]}
    return Observation(spaces, values, numbers)


def above(known: Molecule, x: Array) -> Array:
    """Energies [N] above that of the minimum."""
    # One call, as every instance of the energy is compiled for itself.
    value = energy(known.field)(jnp.concatenate([jnp.asarray(known.field.minimum, x.dtype)[None], x]))
    return value[1:] - value[0]


def circle(angle: Array) -> Array:
    """Cosines and sines [N, 2 K] of angles [N, K]."""
    return jnp.concatenate([jnp.cos(angle), jnp.sin(angle)], 1)


def ramachandran(angle: Array) -> Array:
    """Shares [CELLS ** 2] of the cells of the first two torsions (of the only one, twice) of angles [N, K]."""
    two = angle[:, jnp.array([0, min(1, angle.shape[1] - 1)])]
    cell = jnp.clip(jnp.floor((two / (2 * jnp.pi) + 0.5) * CELLS), 0, CELLS - 1).astype(jnp.int32)
    return jnp.bincount(cell[:, 0] * CELLS + cell[:, 1], length=CELLS**2).astype(angle.dtype) / len(angle)
