"""Benchmarks of language models: the n-gram beside one of plain Python, a transformer's step beside PyTorch's.

Seconds are those of all cores, as the plain model uses one.
"""

import importlib.util
import time
from typing import Any

from benchmarks.language_peer import PlainNgram, TorchDecoder
from benchmarks.measuring import best, compiled, row

GOAL = 50
"""Times the plain n-gram that ours is wanted to be as fast."""
N, FEW = 8000, 100
"""Verses that are fitted and written by ours, and by the plain one, which needs no more to know its speed."""
BATCH, LENGTH = 32, 128


def ngram() -> list[dict[str, Any]]:
    """Fitting and writing of King James verses, in characters a second, beside the same model as dictionaries."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from selfloop.batch import uniform
    from selfloop.domains.language import ngram as ngrams

    verses, symbols = _verses(N)
    config = ngrams.NgramConfig(symbols, LENGTH)
    model, batch, key = ngrams.ngram(config), uniform(jnp.asarray(verses)), jax.random.key(0)
    fit, _ = compiled(lambda batch: model.fit(key, batch, None)[0], batch)
    state = fit(batch)
    write, _ = compiled(lambda key, state: model.sample(key, state, None, N).x, key, state)
    fit_taken, write_taken = best(lambda: fit(batch), lambda: write(key, state), clock=time.process_time)
    written = int(np.asarray(ngrams.counted(write(key, state))).sum())

    peer = PlainNgram(symbols, config.order)
    began = time.process_time()
    peer.fit(verses[: 10 * FEW].tolist())
    middle = time.process_time()
    plain = peer.write(np.random.default_rng(0), FEW, LENGTH)
    end = time.process_time()
    seen = int(np.asarray(ngrams.counted(jnp.asarray(verses))).sum())
    few = int(np.asarray(ngrams.counted(jnp.asarray(verses[: 10 * FEW]))).sum())
    speeds = {
        "fitting": (seen / fit_taken, few / (middle - began)),
        "writing": (written / write_taken, sum(map(len, plain)) / (end - middle)),
    }
    rows = []
    for name, (ours, theirs) in speeds.items():
        against = f"plain Python, the same model: {theirs:,.0f} (goal {GOAL} times)"
        rows.append(row(f"n-gram, {name}", ours, "characters/core-second", against, ours / theirs))
    return rows


def transformer() -> list[dict[str, Any]]:
    """A training step of 0.1 million weights on 32 verses of 128 characters; beside PyTorch where that is installed."""
    import jax
    import jax.numpy as jnp

    from selfloop.batch import uniform
    from selfloop.models.neural.training import Training
    from selfloop.models.neural.transformer import TransformerConfig, parameters
    from selfloop.models.neural.transformer import transformer as made

    verses, symbols = _verses(BATCH)
    config, steps = TransformerConfig(symbols, LENGTH, width=64, layers=2, heads=4), 5
    model = made(config, Training(BATCH, steps, steps))
    batch, key = uniform(jnp.asarray(verses)), jax.random.key(0)
    state = model.init(key)
    fit, seconds = compiled(lambda state: model.fit(key, batch, state)[0], state)
    works = [lambda: fit(state)]
    if importlib.util.find_spec("torch") is not None:
        peer = TorchDecoder(symbols, LENGTH, config.width, config.layers, config.heads)
        assert peer.parameters() == parameters(state.params)  # it is the same model
        works.append(lambda: peer.steps(verses, steps))
    ours, *theirs = (taken / steps for taken in best(*works, runs=3, clock=time.process_time))
    against, ratio = ("PyTorch is not installed", None)
    if theirs:
        against, ratio = f"PyTorch, the same model and optimiser, one thread: {theirs[0] * 1e3:.1f}", ours / theirs[0]
    return [
        row("transformer, training step", ours * 1e3, "core-ms", against, ratio),
        row("transformer, compiling", seconds, "s"),
    ]


def _verses(count: int) -> tuple[Any, int]:
    from selfloop.domains.language import text
    from selfloop.domains.language.alphabet import alphabet, encode

    corpus = text.load(None, "lines", LENGTH - 1)
    known = alphabet((one for part in corpus[:3] for one in part), 63)
    return encode(known, corpus.train[:count], LENGTH), known.size
