"""What is measured of motions: points in four spaces, artefacts, whether label and caption are recognised.

Spaces: ``features`` (latents of the evaluator, where there are clips to train it on), ``kinetic`` and ``geometric``
(training-free), and ``artefacts`` (logarithms of multiples of real motion's own, for audits).
Shapes: N motions, T frames, D = 64 features, M reference motions.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from selfloop.batch import Batch
from selfloop.domains.motion import artefacts
from selfloop.domains.motion.model import evaluator as evaluators
from selfloop.domains.motion.model import kinetics
from selfloop.domains.motion.model.evaluator import Evaluator, embed, label_logits
from selfloop.domains.motion.settings import MotionSettings
from selfloop.domains.motion.text.retrieval import Candidates, candidates, hits, trained_on
from selfloop.engine.domain import Data, Observation
from selfloop.metrics.scale import Scale, scale_of, standardise


class Against(NamedTuple):
    """What motions are described by, from the reference; a pytree."""

    evaluator: Evaluator | None
    answer: Array
    """For each label of the motions to be measured, the evaluator's; -1 where it knows none."""
    scales: dict[str, Scale]
    """Of each training-free space."""
    artefacts: Array
    """Of the reference [M, 6], by which artefacts are points."""
    candidates: Candidates | None
    """Captions to choose from, where conditions are text."""


def observer(settings: MotionSettings, data: Data) -> Partial:
    """``observe(batch) -> Observation`` of features [N, T, D] with ``cond`` label and length [N].

    Values: artefacts; ``label_accuracy``, 1 where the evaluator recognises the label; under text ``r_precision_k`` and
    ``matching``. The evaluator is trained on clips that the loop never sees, once, and cached.
    """
    own, evaluator, found = data.own, None, None
    if own.encoder is not None:
        evaluator, info = evaluators.load_or_train(own.encoder[0], styles=own.encoder[1])
        if own.text is not None:
            found = candidates(trained_on(evaluator, own.encoder[0], own.said, own.text))
    return Partial(describe, against(data.reference, own.real.names, evaluator, found))


def against(
    reference: Batch, names: tuple[str, ...], evaluator: Evaluator | None = None, texts: Candidates | None = None
) -> Against:
    """What motions of these labels are described by."""
    known = () if evaluator is None else evaluator.names
    answer = jnp.array([known.index(name) if name in known else -1 for name in names], jnp.int32)
    x, length = reference.x, reference.cond["length"]
    raw = {"kinetic": jax.jit(kinetics.kinetic)(x, length), "geometric": jax.jit(kinetics.geometric)(x, length)}
    scales = {space: scale_of(values) for space, values in raw.items()}
    return Against(evaluator, answer, scales, _artefacts(x, length), texts)


def describe(on: Against, batch: Batch) -> Observation:
    """What is measured of each motion alone."""
    x, length, label = batch.x, batch.cond["length"], batch.cond["label"]
    found = artefacts.measure(x, length)
    values: dict[str, Any] = found | {"label_accuracy": jnp.full(x.shape[0], jnp.nan, x.dtype)}
    spaces = {
        "kinetic": standardise(kinetics.kinetic(x, length), on.scales["kinetic"]),
        "geometric": standardise(kinetics.geometric(x, length), on.scales["geometric"]),
        "artefacts": artefacts.points(jnp.stack([found[name] for name in artefacts.NAMES], -1), on.artefacts),
    }
    if on.evaluator is not None:
        spaces["features"] = embed(on.evaluator, x, length)
        wanted = jnp.where(label >= 0, on.answer[label], -1)
        guess = label_logits(on.evaluator, x, length).argmax(-1)
        values["label_accuracy"] = jnp.where(wanted >= 0, (guess == wanted).astype(x.dtype), jnp.nan)
        if on.candidates is not None:
            values |= hits(on.candidates, spaces["features"], label)
    return Observation(spaces, values)


@jax.jit
def _artefacts(x: Array, length: Array) -> Array:
    """Artefacts [M, 6] in the order of their names."""
    found = artefacts.measure(x, length)
    return jnp.stack([found[name] for name in artefacts.NAMES], -1)
