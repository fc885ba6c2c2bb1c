"""From the settings of motion to an experiment's parts: real windows by their roles, and the model."""

import functools
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.digest import digest
from selfloop.domains.motion.data import datasets, splits, windows
from selfloop.domains.motion.data.clip import Clip, mirror
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.model.model import MotionModelConfig, motion_model
from selfloop.domains.motion.model.spectrum import spectrum
from selfloop.domains.motion.settings import MotionSettings
from selfloop.domains.motion.text.captions import meaning
from selfloop.domains.motion.text.conditioning import Text, captioned, describe, paraphrased, with_text
from selfloop.engine.domain import Data
from selfloop.models.neural.denoiser import DenoiserConfig
from selfloop.protocols import Model
from selfloop.sources import fixed

SMALL = 100
"""A set of fewer clips is not split: too little would be left for a reference and an encoder."""

FEWEST, MOST = 256, 1024
"""Windows of a reference: two a clip, within these bounds. All windows would over-weigh long clips and their labels
against the loop's own windows, which take distinct clips first."""


LEARNED_ON = 20_000
"""Windows that the evaluator is trained on, at most: over twice those of the largest known set."""


class MotionData(NamedTuple):
    """The real motion of a run."""

    real: Windows
    """The n windows that the loop trains on."""
    pool: Windows
    """Windows of the loop's clips, chosen as the reference is, for the lines of real data."""
    reference: Windows
    """What samples are judged by: other clips, or in a small set the pool itself."""
    encoder: tuple[Windows, list[str]] | None
    """Windows of still other clips, and their clips' styles, to train the evaluator on; None in a small set."""
    digest: str
    """All of the data, as a hash."""
    text: Text | None = None
    """The captions that are the labels of ``real`` (each window's first) and ``pool`` (those held out from training);
    None where labels are labels."""
    said: list[str] | None = None
    """With captions, what stands for the style in the meaning of each of the encoder's windows (`captions.meaning`)."""


def data(settings: MotionSettings, n: int) -> Data:
    """The real motion of an experiment for one n, as the engine takes it.

    Raises:
        DataError: there is none, too little, or something is wrong with it.
    """
    own = load(settings, n)
    words = None if own.text is None else own.text.vocabulary
    return Data(
        real=batch(own.real),
        reference=batch(own.reference, own.real.names),
        pool=batch(own.pool, own.real.names),
        apart=own.encoder is not None,
        group=None if own.encoder is None else jnp.asarray(own.reference.clip),
        sources={"fixed": fixed if words is None else lambda real: paraphrased(fixed(real), words)},
        conditions=lambda count: evaluation_conditions(own, count),
        names=own.real.names if words is None else words.texts,
        digest=own.digest,
        about=datasets.origin(settings.data),
        own=own,
    )


def load(settings: MotionSettings, n: int) -> MotionData:
    """Read, split and cut the data. DataError where there is none, too little, or something is wrong with it."""
    clips = clips_of(settings.data, settings.skeleton, settings.strict)
    parts = splits.split(clips) if len(clips) >= SMALL else {"loop": clips, "reference": clips, "encoder": []}
    own = _both_sides(parts["loop"]) if settings.mirror else parts["loop"]
    real = windows.cut(own, settings.frames, n)
    pool, reference = _evenly(own, settings.frames), _evenly(parts["reference"], settings.frames)
    encoder = None
    if parts["encoder"]:
        cut = windows.at_most(parts["encoder"], settings.frames, LEARNED_ON)
        encoder = cut, [parts["encoder"][i].style for i in cut.clip]
    text, said = None, None
    if settings.condition == "text":
        # Sentences of its own belong to one clip alone: the evaluator's clips bring theirs.
        more = [clip for clip in parts["encoder"] if clip.texts]
        text = describe((meaning(clip) for clip in [*own, *more]), settings.text_encoder)
        real, pool = (captioned(cut, [meaning(own[i])[1] for i in cut.clip], text.vocabulary) for cut in (real, pool))
        pool = pool._replace(label=text.vocabulary.asked(pool.label))
        said = None if encoder is None else [meaning(parts["encoder"][i])[1] for i in encoder[0].clip]
    return MotionData(real, pool, reference, encoder, digest((real, pool, reference, encoder, text)), text, said)


@functools.cache
def clips_of(name: str | None, skeleton: Path | None = None, strict: bool = False) -> list[Clip]:  # noqa: FBT001, FBT002
    """All clips of a set, read once a process; see `datasets.load`."""
    print(f"reading motion: {name or 'the 15 embedded clips'}", flush=True)
    return datasets.load(name, skeleton, strict=strict)


def _evenly(clips: list[Clip], frames: int) -> Windows:
    """Windows with about as many of every clip."""
    return windows.at_most(clips, frames, min(max(2 * len(clips), FEWEST), MOST))


def _both_sides(clips: list[Clip]) -> list[Clip]:
    return [both for clip in clips for both in (clip, mirror(clip))]


def model(settings: MotionSettings, data: Data) -> Model:
    """The diffusion model, standardised by the real windows."""
    real, text = data.own.real, data.own.text
    network = DenoiserConfig(
        frames=settings.frames,
        features=real.x.shape[-1],
        labels=len(real.names),
        band=settings.band,
        width=settings.width,
        layers=settings.layers,
    )
    config = MotionModelConfig(
        network=network,
        batch=settings.batch,
        first_steps=settings.first_steps[0],
        steps=settings.steps[0],
        guidance=settings.guidance[0],
    )
    made = motion_model(config, spectrum(real.x))
    return made if text is None else with_text(made, text, config.first_steps)


def batch(cut: Windows, names: tuple[str, ...] | None = None) -> Batch:
    """Windows as weighted samples; their labels are places in ``names``, -1 where they are not there."""
    if names is None or names == cut.names:  # captions: names repeat, and a label is a place
        names, place = cut.names, np.arange(len(cut.names), dtype=np.int32)
    else:
        place = np.array([names.index(name) if name in names else -1 for name in cut.names], np.int32)
    return uniform(jnp.asarray(cut.x), {"label": jnp.asarray(place[cut.label]), "length": jnp.asarray(cut.length)})


def evaluation_conditions(data: MotionData, n: int) -> dict[str, Array]:
    """Conditions [n] of the samples that every generation is judged by: those of the real windows, as often as there.

    The first ones have labels that all differ, so that a reader who looks at a few sees as many kinds of motion. Where
    captions are conditions, they are those that no model trains on.
    """
    label = np.asarray(data.real.label if data.text is None else data.text.vocabulary.asked(data.real.label))
    turn = np.array([np.sum(label[:i] == label[i]) for i in range(len(label))])
    order = np.argsort(turn, kind="stable")[np.arange(n) % len(label)]
    return {"label": jnp.asarray(label[order]), "length": jnp.asarray(data.real.length[order])}
