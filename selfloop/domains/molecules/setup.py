"""Data and model of a molecule experiment."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import uniform
from selfloop.digest import digest
from selfloop.domains.molecules import sets
from selfloop.domains.molecules.coordinates import Internal, fitted, labelled, prepared
from selfloop.domains.molecules.molecule import Molecule, molecule
from selfloop.domains.molecules.settings import MoleculeSettings
from selfloop.engine.domain import Data
from selfloop.errors import ConfigError, DataError
from selfloop.models.neural import diffusion
from selfloop.models.neural.denoiser import DenoiserConfig, denoiser
from selfloop.models.neural.training import Subject, Training, trained
from selfloop.protocols import Model

REFERENCE = 2000
"""Conformers that samples are judged by, at most."""
SPARE = 8
"""Conformers of the loop's own law that n must leave: lines of real data and idealised correction draw on them."""


class Own(NamedTuple):
    """What the domain keeps of its molecule."""

    molecule: Molecule
    internal: Internal
    """Coordinates in which the model learns, standardised over the loop's real conformers."""
    spare: Array
    """float32 [., A, 3], conformers that the loop does not hold."""


def data(settings: MoleculeSettings, n: int) -> Data:
    """The real conformers of an experiment for one n.

    Raises:
        DataError: there is no such file, or something is wrong with it.
        ConfigError: n is more than it holds.
    """
    found = sets.load(settings.data)
    known = molecule(found.field)
    if not len(known.free):
        raise DataError(f"{found.field.smiles} has no torsion that turns, so that its conformers are all alike")
    loop, reference = _usable(known, found.loop), _usable(known, found.reference)
    if n > len(loop) - SPARE:
        raise ConfigError(
            f"--n is {n}; the loop's part of these conformers holds {len(loop)}, of which {SPARE} stay apart: "
            f"give {max(len(loop) - SPARE, 0)} or fewer, or more conformers"
        )
    spare = loop[n:]
    return Data(
        real=uniform(loop[:n]),
        reference=uniform(reference[:REFERENCE]),
        pool=uniform(spare),
        digest=digest((np.asarray(loop), np.asarray(reference), found.field)),
        about=found.about,
        own=Own(known, fitted(known, loop[:n]), spare),
    )


def _usable(known: Molecule, x: np.ndarray) -> Array:
    """Conformers of the molecule's own form, labelled, in their own frame."""
    x = jnp.asarray(x)
    kept = np.asarray(jax.jit(known.own_form)(x))
    if not kept.any():
        raise DataError(f"no conformer has the chirality and cis and trans bonds of {known.field.smiles}")
    return jax.jit(lambda x: prepared(known, x))(x[kept])


def model(settings: MoleculeSettings, data: Data) -> Model:
    """Denoising diffusion of internal coordinates; its samples are conformers [N, A, 3]."""
    own, count = data.own, len(data.own.internal.mean)
    network = denoiser(
        DenoiserConfig(frames=1, features=count, labels=1, band=1, width=settings.width, layers=settings.layers,
                       compute="float32")
    )  # fmt: skip

    def init(key: Array) -> Any:
        return network.init(key, jnp.zeros((1, 1, count)), jnp.zeros(1), jnp.zeros(1, jnp.int32))

    def loss(key: Array, params: Any, x: Array, cond: Any) -> Array:
        none = jnp.zeros(len(x), jnp.int32)
        return diffusion.loss(key, _predict(network, params), x, none, None, unlabelled=1, drop=0.0)

    def sample(key: Array, params: Any, cond: Any, n: int) -> Array:
        none = jnp.zeros(n, jnp.int32)
        z = diffusion.ddim(key, _predict(network, params), none, None, (1, count), settings.sample_steps)
        return labelled(own.molecule, own.internal.inverse(z[:, 0]))

    subject = Subject(init, loss, sample, lambda x: own.internal.forward(x)[:, None])
    training = Training(
        batch=settings.batch, first_steps=settings.first_steps, steps=settings.steps, rate=settings.rate,
        fine_rate=settings.fine_rate,
    )  # fmt: skip
    return trained(subject, training)


def _predict(network: Any, params: Any) -> diffusion.Predict:
    return lambda *args: network.apply(params, *args)


def first_fits(settings: MoleculeSettings) -> int:
    """How many calls of fit make generation 0."""
    return -(-settings.first_steps // settings.steps)
