"""Classifier as verifier: a sample is kept where a classifier of other real images is sure that it shows its label.

It selects and moves nothing, so it cannot add what the model has lost. Shapes: N samples, K classes.
"""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.chunks import in_chunks
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import probability, report
from selfloop.domains.images.data.images import Images
from selfloop.domains.images.evaluator import CHUNK, PAPERS, load_or_train, seen
from selfloop.protocols import Corrector

SURE = 0.9
"""The least probability of the label with which a sample is kept."""


def verifier(others: Images, sure: float = SURE) -> Corrector:
    """Weights of samples that the classifier doubts become 0; of a sample without label its likeliest class counts.

    The classifier is of the evaluators' kind, trained on ``others``. Raises ConfigError where ``sure`` is no
    probability.
    """
    probability(sure, "the least probability")
    classifier = load_or_train(others, PAPERS)
    shares = jax.jit(lambda x: jax.nn.softmax(seen(classifier, x)[1]))

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        found = in_chunks(shares, CHUNK, batch.x)
        asked = found.max(1) if batch.cond is None else found[jnp.arange(len(found)), batch.cond]
        return batch._replace(weight=jnp.where(asked > sure, batch.weight, 0)), report(batch, batch.x)

    return correct
