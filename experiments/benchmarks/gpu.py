"""What `gpu_check` measures: each function yields rows (`benchmarks.measuring.row`), the most telling first.

A time is the best of a few calls; the first call, which compiles, is told apart. Shapes: L chains side by side.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks import loops
from benchmarks.measuring import best, row

Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True)
class Sizes:
    """How large the work is; the defaults are the paper's."""

    data: str | None = "bandai-namco"
    """Motion data, as in motion_grid.py."""
    chains: int = 9
    """Chains L that train and sample side by side."""
    steps: int = 40
    """Training steps a call."""
    network: tuple[int, int, int] = (4, 512, 8)
    """Frequencies a token, width, layers."""
    windows: int = 32
    """Real windows that both engines correct."""
    chunks: tuple[int, ...] = (1024, 256, 4096)
    """Motions that are corrected in one call."""
    samples: int = 256
    loops: tuple[int, ...] = (4096, 65_536)
    """Gaussian loops side by side."""
    generations: int = 250
    """Of each of them."""
    learning: int = 1000
    """Training steps after which the two precisions are compared."""
    matrix: int = 8192
    """Side of the square matrices whose product shows what the card can do."""


TINY = Sizes(None, 2, 2, (20, 16, 1), 2, (2,), 4, (8,), 5, 2, 64)
"""For a CPU and a test."""

FRAMES, D, LABELS, BATCH = 40, 64, 10, 64


def timed(work: Callable[[], Any], runs: int = 3) -> tuple[float, float]:
    """Seconds of the best of some calls, and how much longer the first one took: compiling."""
    import jax

    began = time.perf_counter()
    jax.block_until_ready(work())
    first = time.perf_counter() - began
    (taken,) = best(work, runs=runs)
    return taken, first - taken


def ceilings(size: Sizes) -> Rows:
    """What the card reaches: FLOP/s of one large product, bytes/s of one large copy (read and written)."""
    import jax
    import jax.numpy as jnp

    from selfloop.runs.environment import peak_flops

    one = jax.random.normal(jax.random.key(0), (size.matrix, size.matrix))
    for compute in ("bfloat16", "float32"):
        matrix = one.astype(compute)
        product = jax.jit(lambda a: a @ a)
        taken, _ = timed(lambda product=product, matrix=matrix: product(matrix))
        speed, peak = 2 * size.matrix**3 / taken, peak_flops(compute)
        against = "" if peak is None else f"its maker's figure: {peak:.3g}"
        yield row(f"matrix product, {compute}", speed, "FLOP/s", against, peak and speed / peak)
    wide = jnp.tile(one, (8, 1))
    copy = jax.jit(lambda a: a + 1)
    taken, _ = timed(lambda: copy(wide))
    yield row("copy", 2 * wide.nbytes / taken, "bytes/s")


def training(size: Sizes) -> Rows:
    """A step of L chains of the paper's model, in both precisions, and the share of the card's peak.

    FLOP are what XLA's `cost_analysis` counts in one chain's step before it optimises (`counted`): every multiplication
    and addition of matrices and elements, those of the loss, the gradient and the optimiser among them.
    """
    from selfloop.runs.environment import peak_flops

    for compute in ("bfloat16", "float32"):
        work, flops, weights = trainer(size, compute)
        taken, compiling = timed(work)
        step, peak = taken / size.steps, peak_flops(compute)
        yield row(f"training, {compute}", 1000 * step, "ms/step")
        against = "" if peak is None else f"the card's {compute}: {peak:.3g}"
        yield row(f"training, {compute}, speed", flops / step, "FLOP/s", against, peak and flops / step / peak)
        yield row(f"training, {compute}, compiling", compiling, "s")
        yield row(f"training, {compute}, counted", flops, "FLOP/step", f"{weights:,} weights in all")


def noise_model(size: Sizes, compute: str, steps: int, guidance: float = 1.0) -> tuple[Any, Any]:
    """A motion model of the paper's class, and a batch of noise to train it on."""
    import numpy as np

    from selfloop.batch import uniform
    from selfloop.domains.motion.model.model import MotionModelConfig, motion_model
    from selfloop.domains.motion.model.spectrum import spectrum
    from selfloop.models.neural.denoiser import DenoiserConfig

    band, width, layers = size.network
    x = np.random.default_rng(0).normal(size=(2 * BATCH, FRAMES, D)).astype(np.float32)
    cond = {"label": np.arange(len(x), dtype=np.int32) % LABELS, "length": np.full(len(x), FRAMES, np.int32)}
    network = DenoiserConfig(FRAMES, D, LABELS, band, width, layers, compute=compute)
    config = MotionModelConfig(network=network, batch=BATCH, first_steps=steps, steps=steps, guidance=guidance)
    return motion_model(config, spectrum(x)), uniform(x, cond)


def trainer(size: Sizes, compute: str) -> tuple[Callable[[], Any], float, int]:
    """A call that trains L chains for ``size.steps`` steps, the FLOP of one step of all, their number of weights."""
    import jax
    import numpy as np

    from selfloop.engine.chains import chain_mesh, everywhere, over_chains, place

    mesh, key = chain_mesh(jax.devices()[:1]), jax.random.key(0)
    model, batch = noise_model(size, compute, size.steps)
    single, _ = noise_model(size, compute, 1)
    fit = over_chains(lambda real, seed, state: model.fit(jax.random.key(seed), real, state), mesh)
    init = over_chains(lambda real, seed: model.init(jax.random.key(seed)), mesh)
    real, seeds = everywhere(batch, mesh), place(np.arange(size.chains, dtype=np.uint32), mesh)
    states = init(real, seeds)
    shapes = jax.eval_shape(single.init, key)
    flops = size.chains * counted(single.fit, key, batch, shapes)
    return lambda: fit(real, seeds, states), flops, sum(leaf.size for leaf in jax.tree.leaves(states.params))


def counted(function: Callable, *arguments: Any) -> float:
    """FLOP of a function, counted in its program for a CPU: on an accelerator JAX does not count before it compiles."""
    import jax

    with jax.default_device(jax.devices("cpu")[0]):
        return jax.jit(function).lower(*arguments).cost_analysis()["flops"]


def sampling(size: Sizes) -> Rows:
    """Samples of L chains under guidance, in both precisions."""
    for compute in ("bfloat16", "float32"):
        taken, compiling = timed(sampler(size, compute))
        count = size.chains * size.samples
        yield row(f"sampling, {compute}", count / taken, "samples/s", f"{count} samples of {size.chains} chains")
        yield row(f"sampling, {compute}, compiling", compiling, "s")


def sampler(size: Sizes, compute: str) -> Callable[[], Any]:
    """A call that samples the models of L chains."""
    import jax
    import numpy as np

    from selfloop.engine.chains import chain_mesh, everywhere, over_chains, place

    mesh = chain_mesh(jax.devices()[:1])
    model, batch = noise_model(size, compute, 1, 2.5)
    cond = everywhere(jax.tree.map(lambda leaf: np.resize(leaf, size.samples), batch.cond), mesh)
    seeds = place(np.arange(size.chains, dtype=np.uint32), mesh)
    states = over_chains(lambda cond, seed: model.init(jax.random.key(seed)), mesh)(cond, seeds)

    def sample(cond: Any, seed: Any, state: Any) -> Any:
        return model.sample(jax.random.key(seed), state, cond, size.samples).x

    draw = over_chains(sample, mesh)
    return lambda: draw(cond, seeds, states)


def real_windows(data: str | None, count: int) -> Any:
    """A batch of ``count`` real windows, over and over where there are fewer. DataError without data."""
    import jax
    import numpy as np

    from selfloop.batch import uniform
    from selfloop.domains.motion.data import datasets, windows

    cut = windows.cut(datasets.load(data), FRAMES)
    batch = uniform(cut.x, {"label": cut.label, "length": cut.length})
    return jax.tree.map(lambda leaf: np.asarray(leaf)[np.arange(count) % len(leaf)], batch)


def correction(size: Sizes) -> Rows:
    """Seconds of motion that are corrected a second, in one call of each size; compiling is that of its programs."""
    from selfloop.domains.motion.data.features import FPS
    from selfloop.domains.motion.physics.corrector import physics_corrector

    for chunk in size.chunks:
        batch, correct = real_windows(size.data, chunk), physics_corrector(chunk=chunk)
        taken, compiling = timed(lambda batch=batch, correct=correct: correct(None, batch, None))
        speed = float(batch.cond["length"].sum()) / FPS / taken
        yield row(f"correction of {chunk} windows", taken, "s")
        yield row(f"correction of {chunk} windows, speed", speed, "motion_s/s", "goal: 6,000", speed / 6000)
        yield row(f"correction of {chunk} windows, compiling", compiling, "s")


def theory(size: Sizes) -> Rows:
    """`loops.statistics` for each number of chains."""
    for chains in size.loops:
        loops.CHAINS, loops.GENERATIONS = chains, size.generations
        for made in loops.statistics():
            yield made | {"name": f"{made['name']}, {chains:,} chains"}
