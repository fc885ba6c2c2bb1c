"""Benchmarks of the loop on exact models: in sufficient statistics, as the script's process, point by point."""

import time
from typing import Any

from benchmarks.measuring import best, compiled, row

GOAL = 1_000_000
"""Generations/s wanted of the loop in sufficient statistics, d = 2, n = 50, m = 25."""
CHAINS, GENERATIONS = 4096, 250


def statistics() -> list[dict[str, Any]]:
    """The Gaussian loop in sufficient statistics beside the drawing of as many random numbers, in both precisions."""
    import jax
    import jax.numpy as jnp

    rows = _statistics(jnp.float32)
    with jax.enable_x64(True):  # noqa: FBT003
        return rows + _statistics(jnp.float64)


def _statistics(dtype: Any) -> list[dict[str, Any]]:
    import jax
    import jax.numpy as jnp
    import official_process as process

    from selfloop import Loop, policies, scan, sources
    from selfloop.correctors.statistics import replacement_statistics
    from selfloop.models.statistics import draw, gaussian_statistics

    target = process.target(dtype)

    def chain(key: Any, gamma: Any) -> Any:
        key_real, key_loop = jax.random.split(key)
        corrector = replacement_statistics(target, gamma, process.M)
        real = sources.fixed(draw(key_real, target, process.N))
        loop = Loop(gaussian_statistics(process.D, process.M, dtype), policies.augment(1.0), real, 1, corrector)
        return scan(loop, key_loop, GENERATIONS, lambda key, g: ())[0].state

    uniforms, normals = process.D * ((process.M - 1) // 2) + 1, 2 * process.D * (process.D + 1)

    def numbers(key: Any, gamma: Any) -> Any:
        def step(total: Any, t: Any) -> tuple[Any, None]:
            one, other = jax.random.split(jax.random.fold_in(key, t))
            drawn = (
                jax.random.uniform(one, (uniforms,), dtype).sum() + jax.random.normal(other, (normals,), dtype).sum()
            )
            return total + drawn, None

        return jax.lax.scan(step, jnp.zeros((), dtype), jnp.arange(GENERATIONS, dtype=jnp.int32))[0]

    keys = jax.random.split(jax.random.key(0), CHAINS)
    gammas = jnp.linspace(0, 4, CHAINS, dtype=dtype)
    loops, seconds = compiled(jax.vmap(chain), keys, gammas)
    draws, _ = compiled(jax.vmap(numbers), keys, gammas)
    time_loops, time_draws = best(lambda: loops(keys, gammas), lambda: draws(keys, gammas))
    count, kind = CHAINS * GENERATIONS, dtype.dtype.name
    speed, bound = count / time_loops, count / time_draws
    return [
        row(f"statistics loop, {kind}", speed, "generations/s", f"goal: {GOAL:,} generations/s", speed / GOAL),
        row(
            f"statistics loop, {kind}, time",
            time_loops / count * 1e9,
            "ns/generation",
            f"drawing its {uniforms} uniforms and {normals} normals: {1e9 / bound:.0f} ns",
            time_loops / time_draws,
        ),
        row(f"random numbers, {kind}", bound * (uniforms + normals), "numbers/s"),
        row(f"statistics loop, {kind}, compiling", seconds, "s"),
    ]


def official() -> list[dict[str, Any]]:
    """The script's process in JAX beside a plain NumPy loop of the same process, one chain and candidate at a time."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import official_peer as peer
    import official_process as process

    generations, seeds = 40, 64
    gammas = jnp.tile(jnp.asarray(process.GAMMAS), seeds)
    keys = jax.random.split(jax.random.key(0), len(gammas))
    program, seconds = compiled(jax.vmap(lambda key, gamma: process.official(key, gamma, generations)), keys, gammas)

    def plain(arithmetic: peer.Arithmetic) -> None:
        """A chain a strength."""
        for seed, gamma in enumerate(process.GAMMAS):
            peer.distances(np.random.default_rng(seed), gamma, generations, arithmetic)

    taken, lean_taken = best(lambda: program(keys, gammas), lambda: plain(peer.LEAN))
    (script_taken,) = best(lambda: plain(peer.SCRIPT), runs=2)
    speed = len(gammas) * generations / taken
    script, lean = (len(process.GAMMAS) * generations / taken for taken in (script_taken, lean_taken))
    return [
        row(
            "official process",
            speed,
            "generations/s",
            f"plain NumPy loop with the script's calls: {script:.1f} generations/s",
            speed / script,
        ),
        row(
            "official process, leaner peer",
            speed,
            "generations/s",
            f"plain NumPy loop, bare formulas: {lean:.1f} generations/s",
            speed / lean,
        ),
        row("official process, compiling", seconds, "s"),
    ]


def pointwise() -> list[dict[str, Any]]:
    """The loop point by point: the ordinary Gaussian model and the ordinary replacement corrector."""
    import jax
    import jax.numpy as jnp
    import official_process as process

    from selfloop import Loop, gaussian, policies, replacement, scan, sources, uniform

    chains, generations = 1024, 100

    def chain(key: Any, gamma: Any) -> Any:
        key_real, key_loop = jax.random.split(key)
        real = sources.fixed(uniform(process.normal_draw(key_real, process.N)))
        corrector = replacement(process.normal_draw, gamma)
        loop = Loop(gaussian(process.D), policies.augment(process.M / process.N), real, process.M, corrector)
        return scan(loop, key_loop, generations, lambda key, g: ())[0].state

    keys, gammas = jax.random.split(jax.random.key(0), chains), jnp.linspace(0, 4, chains)
    program, seconds = compiled(jax.vmap(chain), keys, gammas)
    (taken,) = best(lambda: program(keys, gammas))
    speed, known = chains * generations / taken, 165_000
    return [
        row("pointwise loop", speed, "generations/s", f"an earlier program: {known:,} generations/s", speed / known),
        row("pointwise loop, compiling", seconds, "s"),
    ]


def diagram() -> list[dict[str, Any]]:
    """The 100 x 100 (lambda, gamma) diagram, 100 seeds, 100 generations: 1e8 generations."""
    import numpy as np
    import phase_diagram
    import planes

    config, plane = phase_diagram.PhaseConfig(), phase_diagram.main_plane(100)
    (cells,) = plane.parts
    first = np.asarray([np.flatnonzero(cells.m == m)[0] for m in (25, 50, 100)])  # one a compiled program
    few = planes.Cells(cells.n[first], cells.m[first], cells.gamma[first], cells.d)
    began = time.perf_counter()
    planes.measure(few, config.seeds, config.generations, 0, lambda cells: None)
    middle = time.perf_counter()
    phase_diagram.fill(plane, config, lambda cells: None)
    seconds = time.perf_counter() - middle
    count = len(cells.m) * config.seeds * config.generations
    return [
        row("phase diagram", seconds, "s", "allowed: 240 s", seconds / 240),
        row("phase diagram, speed", count / seconds, "generations/s"),
        row("phase diagram, compiling and first chunks", middle - began, "s"),
    ]
