"""``selfloop certify``: how much synthetic data a model of one's data can take, with a corrector of some strength."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import tyro

from selfloop.cli.arrays import read
from selfloop.errors import ConfigError
from selfloop.protocols import Model


class Options(NamedTuple):
    """What a family may be told beside the data."""

    components: int
    dof: float


def _line(name: str, make: Callable[[Options], Model]) -> Callable[[int, Options], Model]:
    """A family of laws on the line."""

    def made(d: int, options: Options) -> Model:
        if d != 1:
            raise ConfigError(f"--model {name} is of numbers, and the data have {d} columns; give one column")
        return make(options)

    return made


def _models() -> dict[str, Callable[[int, Options], Model]]:
    from selfloop import exponential, gaussian, logistic, mixture, poisson, student

    return {
        "gaussian": lambda d, options: gaussian(d),
        "mixture": lambda d, options: mixture(options.components, d),
        "student": _line("student", lambda options: student(options.dof)),
        "logistic": _line("logistic", lambda options: logistic()),
        "exponential": _line("exponential", lambda options: exponential()),
        "poisson": _line("poisson", lambda options: poisson()),
    }


Family = Literal["gaussian", "mixture", "student", "logistic", "exponential", "poisson"]


def certify(
    data: tyro.conf.Positional[Path],
    *,
    model: Family = "gaussian",
    lam: float | None = None,
    share: float | None = None,
    gamma: float = 0.0,
    components: int = 2,
    dof: float = 5.0,
    wanted: float = 0.5,
    seed: int = 0,
) -> int:
    """Is a loop stable that trains a model, again and again, on real data and its own samples? By theory, for my data.

    Printed are a sentence and, for the exact rate and three published bounds, by how much errors are multiplied every
    generation, how much synthetic data is safe, and how strong a corrector would have to be.

    Args:
        data: The real samples [N, F]: .npy, or .csv.
        model: The family that is fitted to them.
        lam: Synthetic samples per real one; 1 where neither this nor the share is given.
        share: In its place, the share of the training set that is synthetic, 0 to below 1.
        gamma: Strength of the corrector: 0 is none; `selfloop audit` measures one.
        components: Components of a mixture.
        dof: Degrees of freedom of Student's t.
        wanted: The rate, of 0 to 1, for which the smallest gamma is told.
        seed: Where random numbers begin.
    """
    import jax

    from selfloop import certify as certified

    x = read(data, "data")
    found = certified(
        _models()[model](x.shape[1], Options(components, dof)),
        _points(x, model),
        1.0 if lam is None and share is None else lam,
        gamma,
        share=share,
        wanted=wanted,
        key=jax.random.key(seed),
    )
    print(found)
    return 0


def _points(x: np.ndarray, model: str) -> Any:
    """The data as the family takes them."""
    import jax.numpy as jnp

    return jnp.asarray(x if model in ("gaussian", "mixture", "student", "logistic") else x[:, 0], jnp.float32)
