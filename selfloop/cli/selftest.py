"""The self-test of an installation: small computations whose results are known in closed form."""

import time
from collections.abc import Callable

SEEDS, POINTS, GENERATIONS = 400, 50, 15
SIGMAS = 5.0
"""Half width of the accepted interval in standard errors: a false alarm comes once in a million."""


def float64() -> tuple[bool, str]:
    """Double precision is there where theory asks for it."""
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(True):  # noqa: FBT003
        error = abs(float(jnp.sum(jnp.full(3, 0.1, jnp.float64))) - 0.3)
    return error < 1e-15, f"0.1 + 0.1 + 0.1 differs from 0.3 by {error:.1g}"


def compiles() -> tuple[bool, str]:
    """A program is compiled once and is right."""
    import jax
    import jax.numpy as jnp

    began = time.monotonic()
    got = jax.jit(lambda x: (x @ x.T).sum())(jnp.arange(12, dtype=jnp.float32).reshape(3, 4))
    return float(got) == 1134.0, f"a program in {time.monotonic() - began:.1f} s"


def gaussian_loop() -> tuple[bool, str]:
    """Variance collapse: trained on its own samples alone, a Gaussian keeps (1 - 1/n)^(t + 1) of its variance."""
    import jax
    import numpy as np

    import selfloop

    def chain(key: jax.Array) -> jax.Array:
        key_data, key = jax.random.split(key)
        real = selfloop.sources.fixed(selfloop.uniform(jax.random.normal(key_data, (POINTS, 1))))
        loop = selfloop.Loop(selfloop.gaussian(1), selfloop.policies.replace(), real, synthetic=POINTS)
        return selfloop.scan(loop, key, GENERATIONS, lambda key, one: one.state.covariance[0, 0])[1][-1]

    found = np.asarray(jax.jit(jax.vmap(chain))(jax.random.split(jax.random.key(0), SEEDS)), np.float64)
    law, mean, error = (1 - 1 / POINTS) ** (GENERATIONS + 1), found.mean(), found.std(ddof=1) / SEEDS**0.5
    return abs(mean - law) < SIGMAS * error, f"variance {mean:.3f} ± {error:.3f} after {GENERATIONS}; theory {law:.3f}"


def certificate() -> tuple[bool, str]:
    """The exact rate of a Gaussian's mean and covariance with lambda = 1 is 1/2."""
    import jax
    import numpy as np

    import selfloop

    x = np.asarray(jax.random.normal(jax.random.key(1), (200, 1)))
    rate = selfloop.certify(selfloop.gaussian(1), x, lam=1.0, gamma=0.0).rate.exact
    return abs(rate - 0.5) < 1e-6, f"exact rate {rate:.6f}; theory 0.5"


def clips() -> tuple[bool, str]:
    """The clips of the package are read whole."""
    from selfloop.domains.motion.data import datasets, embedded

    found = datasets.load()
    return len(found) == embedded.COUNT, f"{len(found)} motion-capture clips read"


def free_fall() -> tuple[bool | None, str]:
    """The humanoid, let go high above the floor, falls as g says; None where physics is not installed."""
    from selfloop.extras import missing

    if absent := missing("motion"):
        return None, f"not installed ({', '.join(absent)})"
    import mujoco
    import numpy as np

    from selfloop.domains.motion.physics.humanoid import passive

    model = mujoco.MjModel.from_xml_string(passive(0.002))
    data = mujoco.MjData(model)
    data.qpos[2] += 10
    mujoco.mj_forward(model, data)
    before, seconds = data.subtree_com[0].copy(), 0.1
    for _ in range(round(seconds / model.opt.timestep)):
        mujoco.mj_step(model, data)
    mujoco.mj_forward(model, data)
    fallen = before[2] - data.subtree_com[0][2]
    steps = round(seconds / model.opt.timestep)
    law = 0.5 * abs(model.opt.gravity[2]) * model.opt.timestep**2 * steps * (steps + 1)  # of a semi-implicit step
    side = np.abs(data.subtree_com[0][:2] - before[:2]).max()
    good = abs(fallen - law) < 1e-3 * law and side < 1e-3 * law
    return bool(good), f"a humanoid falls {1000 * fallen:.2f} mm in {seconds:g} s; g says {1000 * law:.2f}"


TESTS: dict[str, Callable[[], tuple[bool | None, str]]] = {
    "float64": float64,
    "compiler": compiles,
    "loop against closed form": gaussian_loop,
    "theory": certificate,
    "data": clips,
    "physics": free_fall,
}
"""Every test by its name: whether it is passed (None: cannot be made here), and what was found."""
