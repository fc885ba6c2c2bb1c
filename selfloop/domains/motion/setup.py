"""From the settings of the motion loop to its parts: data, reference, evaluator and model."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import Batch, concatenate, empty, uniform
from selfloop.domains.motion.config import MotionLoopConfig
from selfloop.domains.motion.data import datasets, splits, windows
from selfloop.domains.motion.data.clip import Clip, mirror
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.model import evaluator as evaluators
from selfloop.domains.motion.model.denoiser import DenoiserConfig
from selfloop.domains.motion.model.evaluator import Evaluator
from selfloop.domains.motion.model.model import MotionModelConfig, motion_model
from selfloop.domains.motion.model.spectrum import spectrum
from selfloop.domains.motion.text.conditioning import Text, captioned, describe, paraphrased, with_text
from selfloop.protocols import Model, Source
from selfloop.runs import checkpoint

SMALL = 100
"""A set of fewer clips is not split: too little would be left for a reference and an encoder."""

FEWEST, MOST = 256, 1024
"""Windows of a reference: two a clip, within these bounds. All windows would over-weigh long clips and their labels
against the loop's own windows, which take distinct clips first."""


class Data(NamedTuple):
    """The real motion of a run."""

    real: Windows
    """The n windows that the loop trains on."""
    pool: Windows
    """Windows of the loop's clips, chosen as the reference is, for the floor lines."""
    reference: Windows
    """What samples are judged by: other clips, or in a small set the pool itself."""
    encoder: tuple[Windows, list[str]] | None
    """Windows of still other clips, and their clips' styles, to train the evaluator on; None in a small set."""
    digest: str
    """All of the data, as a hash."""
    text: Text | None = None
    """The captions that are the labels of ``real`` (each window's first) and ``pool`` (those held out from training);
    None where labels are labels."""


def load(config: MotionLoopConfig) -> Data:
    """Read, split and cut the data. DataError where there is none, too little, or something is wrong with it."""
    clips = datasets.load(config.data)
    parts = splits.split(clips) if len(clips) >= SMALL else {"loop": clips, "reference": clips, "encoder": []}
    own = _both_sides(parts["loop"]) if config.mirror else parts["loop"]
    real = windows.cut(own, config.frames, config.n)
    pool, reference = _evenly(own, config.frames), _evenly(parts["reference"], config.frames)
    encoder = None
    if parts["encoder"]:
        cut = windows.cut(parts["encoder"], config.frames)
        encoder = cut, [parts["encoder"][i].style for i in cut.clip]
    text = None
    if config.condition == "text":
        text = describe(((clip.label, clip.style) for clip in own), config.text_encoder)
        real, pool = (captioned(cut, [own[i].style for i in cut.clip], text.vocabulary) for cut in (real, pool))
        pool = pool._replace(label=text.vocabulary.asked(pool.label))
    return Data(real, pool, reference, encoder, _digest(real, pool, reference, encoder, text), text)


def _digest(*parts: object) -> str:
    """A hash of windows, arrays and names, nested."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(parts):
        digest.update(repr(leaf).encode() if isinstance(leaf, str) else np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()[:16]


def _evenly(clips: list[Clip], frames: int) -> Windows:
    """Windows with about as many of every clip."""
    every = windows.cut(clips, frames)
    most = min(max(2 * len(clips), FEWEST), MOST)
    return Windows(*(field if isinstance(field, tuple) else field[:most] for field in every))


def _both_sides(clips: list[Clip]) -> list[Clip]:
    return [both for clip in clips for both in (clip, mirror(clip))]


def evaluator(cut: Windows, styles: list[str]) -> tuple[Evaluator, dict[str, float]]:
    """The encoder trained on clips that the loop never sees, from the user's cache where it was trained before."""
    return evaluators.load_or_train(cut, styles=styles)


def model(config: MotionLoopConfig, data: Data) -> Model:
    """The diffusion model, standardised by the run's real windows."""
    network = DenoiserConfig(
        frames=config.frames,
        features=data.real.x.shape[-1],
        labels=len(data.real.names),
        band=config.band,
        width=config.width,
        layers=config.layers,
    )
    settings = MotionModelConfig(
        network=network,
        batch=config.batch,
        first_steps=config.first_steps,
        steps=config.steps,
        guidance=config.guidance,
    )
    made = motion_model(settings, spectrum(data.real.x))
    return made if data.text is None else with_text(made, data.text, config.first_steps)


def batch(cut: Windows) -> Batch:
    """Windows as weighted samples with their conditions."""
    return uniform(jnp.asarray(cut.x), {"label": jnp.asarray(cut.label), "length": jnp.asarray(cut.length)})


def source(real: Batch, data: Data) -> Source:
    """The real windows (`batch`) every generation: the same, and where captions are conditions, in other words."""
    same = sources.fixed(real)
    return same if data.text is None else paraphrased(same, data.text.vocabulary)


def synthetic(config: MotionLoopConfig) -> int:
    """Samples a generation; one at least, so that there is something to measure."""
    return max(1, policies.synthetic_count(config.lam, config.n))


def evaluation_conditions(data: Data, n: int) -> dict[str, Array]:
    """Conditions [n] of the samples that every generation is judged by: those of the real windows, as often as there.

    The first ones have labels that all differ, so that a reader who looks at a few sees as many kinds of motion. Where
    captions are conditions, they are those that no model trains on.
    """
    label = np.asarray(data.real.label if data.text is None else data.text.vocabulary.asked(data.real.label))
    turn = np.array([np.sum(label[:i] == label[i]) for i in range(len(label))])
    order = np.argsort(turn, kind="stable")[np.arange(n) % len(label)]
    return {"label": jnp.asarray(label[order]), "length": jnp.asarray(data.real.length[order])}


def trained_once(fit: Callable, calls: int, m: int, path: Path, tick: Callable[[], None]) -> Callable:
    """Generation 0's fit: ``calls`` times ``fit``, kept at ``path`` so that the arms of a seed share it.

    The real data get m absent samples beside them: the size of every later training set, so that ``fit`` compiles once.
    """

    def first_fit(key: Array, real: Batch, state: object) -> tuple[object, dict[str, Array]]:
        if path.exists():
            return checkpoint.load(path, (state, {"loss": jnp.zeros(())}))
        padded = concatenate(real, empty(real, m))
        for i in range(calls):
            state, info = fit(jax.random.fold_in(key, i), padded, state)
            jax.block_until_ready(state)
            tick()
        checkpoint.save(path, (state, info))
        return state, info

    return first_fit
