"""What `gpu_check` compares: the same work on this device and on the CPU, and in the two precisions of the network.

Rows are `benchmarks.measuring.row`. Where JAX runs on a CPU both devices are the same one, and the differences 0. A
row's ratio is of the difference to what it may be: over 1 the two disagree.
"""

from collections.abc import Callable
from typing import Any

from benchmarks.gpu import FRAMES, D, Rows, Sizes, noise_model, real_windows
from benchmarks.measuring import row

STEPS = 20
"""Generations of the Gaussian loop."""
SEEDS, MOTIONS = 6, 64
"""Models in each precision, and the real windows that they learn and samples that they make."""
FIRST = 10
"""Training steps whose loss is compared."""


def _both(work: Callable[[], Any]) -> list[Any]:
    """The results, as host arrays, here and on the CPU."""
    import jax
    import numpy as np

    found = []
    for device in (jax.devices()[0], jax.devices("cpu")[0]):
        with jax.default_device(device):
            found.append(jax.tree.map(np.asarray, work()))
    return found


def _apart(one: Any, other: Any) -> float:
    """Largest difference over all leaves, relative to each leaf's largest number."""
    import jax
    import numpy as np

    def relative(a: Any, b: Any) -> float:
        return float(np.abs(a - b).max() / np.abs(b).max())

    return max(jax.tree.leaves(jax.tree.map(relative, one, other)))


def gaussian() -> Rows:
    """The Gaussian loop, point by point, with the idealized corrector: its states after some generations."""
    import jax

    for bits, most in ((64, 1e-5), (32, 1e-3)):
        with jax.enable_x64(bits == 64):  # noqa: FBT003
            here, there = _both(_gaussian_states)
        apart = _apart(here, there)
        yield row(f"Gaussian loop, float{bits}", apart, "relative", f"at most {most:g}", apart / most)


def _gaussian_states() -> Any:
    import jax
    import jax.numpy as jnp

    from selfloop import Loop, gaussian, policies, replacement, scan, sources, uniform

    dtype = jnp.float64 if jax.config.jax_enable_x64 else jnp.float32

    def draw(key: Any, count: int) -> Any:
        return jax.random.normal(key, (count, 2), dtype)

    def chain(key: Any, gamma: Any) -> Any:
        real = sources.fixed(uniform(draw(key, 50)))
        loop = Loop(gaussian(2, dtype=dtype), policies.augment(0.5), real, 25, replacement(draw, gamma))
        return scan(loop, key, STEPS, lambda key, g: ())[0].state

    keys = jax.random.split(jax.random.key(0), 8)
    return jax.jit(jax.vmap(chain))(keys, jnp.linspace(0, 4, 8, dtype=dtype))


def losses(size: Sizes) -> Rows:
    """The mean loss of one chain's first steps: here in float32 and bfloat16, and on the CPU in float32."""
    import jax

    def loss(compute: str) -> Callable[[], Any]:
        def work() -> Any:
            model, batch = noise_model(size, compute, FIRST)
            state = model.init(jax.random.key(0))
            return model.fit(jax.random.key(1), batch, state)[1]["loss"]

        return work

    here, there = _both(loss("float32"))
    half = float(loss("bfloat16")())
    yield row("training loss, float32", float(here), "", f"on the CPU: {there:.6f}, within 1 %", _off(here, there))
    yield row("training loss, bfloat16", half, "", f"float32: {here:.6f}, within 1 %", _off(half, here))


def _off(one: Any, other: Any) -> float:
    return abs(float(one / other) - 1) / 0.01


def engines(size: Sizes) -> Rows:
    """The same real windows through Brax's engine, on this device, and through MuJoCo's C engine.

    Contact is chaotic: single motions differ by millimetres (tests/motion/physics/test_backend.py). Every measure's
    means may differ by a tenth, or by three standard errors of the windows' own differences.
    """
    import jax
    import numpy as np

    from selfloop.domains.motion import artefacts
    from selfloop.domains.motion.data import features, skeleton
    from selfloop.domains.motion.physics.corrector import physics_corrector

    batch, found = real_windows(size.data, size.windows), []
    for pipeline in ("mjx", "mujoco"):
        fixed, info = physics_corrector(pipeline)(None, batch, None)
        joints = skeleton.forward(features.decode(fixed.x))[0]
        measured = artefacts.measure(fixed.x, fixed.cond["length"]) | info
        found.append(jax.tree.map(np.asarray, (joints, measured)))
    (one, measures), (other, wanted) = found
    apart = 1000 * np.linalg.norm(one - other, axis=-1).mean((1, 2))
    for name, value, most in (("median", np.median(apart), 2), ("worst", apart.max(), 10)):
        yield row(f"engines, joints apart, {name}", value, "mm", f"at most {most}", value / most)
    for name, values in measures.items():
        yield _measure(name, values.astype(float), wanted[name].astype(float))


def _measure(name: str, here: Any, there: Any) -> dict[str, Any]:
    """One measure [N] of both engines' motions."""
    import numpy as np

    gap, error = abs(here.mean() - there.mean()), np.std(here - there) / np.sqrt(len(here))
    most = max(0.1 * abs(there.mean()), 3 * error)
    against = f"C engine: {there.mean():.4g}, within {most:.2g}"
    return row(f"engines, {name}", here.mean(), "", against, gap / most if gap else 0.0)


def precision(size: Sizes) -> Rows:
    """What bfloat16 changes in a trained model, beside what another seed does.

    Models of a few seeds learn 64 real windows in each precision and sample them. A ratio is the difference of the two
    means to three standard errors of such a difference between seeds: over 1 the precision shows.
    """
    import jax
    import numpy as np

    batch, found = real_windows(size.data, MOTIONS), {}
    for compute in ("float32", "bfloat16"):
        found[compute] = jax.tree.map(lambda leaf: np.asarray(leaf, float), _learned(size, compute, batch))
    for name, wide in found["float32"].items():
        half = found["bfloat16"][name]
        error = np.sqrt((wide.var(ddof=1) + half.var(ddof=1)) / SEEDS)
        against = f"float32: {wide.mean():.4g}; standard error of the difference {error:.2g}"
        ratio = abs(half.mean() - wide.mean()) / (3 * error) if error else 0.0
        yield row(f"{SEEDS} models in bfloat16, {name}", half.mean(), "", against, ratio)


def _learned(size: Sizes, compute: str, batch: Any) -> dict[str, Any]:
    """Loss, artefacts and distances from the real motion, of the samples of models of some seeds [S]."""
    import jax
    import jax.numpy as jnp

    from selfloop.domains.motion import artefacts
    from selfloop.domains.motion.model.kinetics import kinetic
    from selfloop.domains.motion.model.model import MotionModelConfig, motion_model
    from selfloop.domains.motion.model.spectrum import spectrum
    from selfloop.metrics import frechet_distance
    from selfloop.models.neural.denoiser import DenoiserConfig

    band, width, layers = size.network
    network = DenoiserConfig(FRAMES, D, int(batch.cond["label"].max()) + 1, band, width, layers, compute=compute)
    config = MotionModelConfig(network=network, first_steps=size.learning, steps=size.learning, guidance=2.5)
    model = motion_model(config, spectrum(batch.x))
    real, length = jax.tree.map(jnp.asarray, batch), jnp.asarray(batch.cond["length"])

    @jax.jit
    @jax.vmap
    def learned(seed: Any) -> dict[str, Any]:
        key = jax.random.key(seed)
        state, info = model.fit(key, real, model.init(key))
        x = model.sample(jax.random.fold_in(key, 1), state, real.cond, MOTIONS).x
        distance = frechet_distance(kinetic(x, length), kinetic(real.x, length))
        return info | artefacts.measure(x, length) | {"kinetic distance": distance}

    made = learned(jnp.arange(SEEDS, dtype=jnp.uint32))
    return {name: values.reshape(SEEDS, -1).mean(1) for name, values in made.items()}
