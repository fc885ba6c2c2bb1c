"""Mutation testing of predictions: what a claim says when one of its formulas is wrong.

A slip stands in a prediction's place in every module that uses it; measurements are cached and so are not repeated.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from selfloop.errors import ConfigError
from theory.frame.claim import Claim, Effort, Slip, holds, verdict

_PACKAGES = ("theory", "selfloop.stability")


class Trial(NamedTuple):
    """What became of a slip."""

    claim: str
    what: str
    caught: bool
    """Whether a comparison with something measured contradicts the slip: not a hypothesis, not an identity."""
    by: str
    """The first comparison that does; or what else noticed it, or nothing."""


def trials(name: str, effort: Effort) -> list[Trial]:
    """The slips of the claim of this name, in float64. Raises what a check raises: a slip that breaks one is no slip.

    Raises ConfigError where the claim does not hold to begin with.
    """
    with jax.enable_x64(True):  # noqa: FBT003
        claim = importlib.import_module(f"theory.{name}").CLAIM
        if claim.slips and not verdict(claim.check(effort)):  # measures, before anything is wrong
            raise ConfigError(f"{name} does not hold, so that nothing is learnt from its slips; verify it first")
        return [trial(claim, slip, effort) for slip in claim.slips]


def trial(claim: Claim, slip: Slip, effort: Effort) -> Trial:
    """One slip of a claim."""
    with applied(slip):
        finding = claim.check(effort)
    measured = [one.label for one in finding.comparisons if not one.identity and not holds(one)]
    if measured:
        return Trial(claim.name, slip.what, caught=True, by=measured[0])
    others = [one.label for one in finding.comparisons if not holds(one)]
    others += [what for what, met in finding.hypotheses.items() if not met]
    return Trial(claim.name, slip.what, caught=False, by=f"(not measured: {others[0]})" if others else "")


@contextlib.contextmanager
def applied(slip: Slip) -> Iterator[None]:
    """The slip in the prediction's place, in all loaded modules of the theory; LookupError where none has it."""
    places = [
        (vars(module), name) for module in _modules() for name, value in list(vars(module).items()) if value is slip.of
    ]
    if not places:
        raise LookupError(f"no module of the theory has the prediction of the slip {slip.what!r}")
    _forget()
    try:
        for namespace, name in places:
            namespace[name] = partial(slip.wrong, slip.of)
        yield
    finally:
        for namespace, name in places:
            namespace[name] = slip.of
        _forget()


def scaled(factor: float) -> Callable[..., Any]:
    """The prediction times a factor."""
    return lambda right, *args, **kwargs: factor * right(*args, **kwargs)


def early(right: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A path [T + 1, ...] one generation behind: what belongs to t - 1 said of t."""
    found = right(*args, **kwargs)
    return found[np.array([0, *range(len(found) - 1)])]


def _modules() -> list[Any]:
    inside = tuple(f"{package}." for package in _PACKAGES)
    return [module for name, module in list(sys.modules.items()) if name.startswith(inside) or name in _PACKAGES]


def _forget() -> None:
    """Compiled predictions remember what they called when they were traced."""
    for module in _modules():
        if module.__name__.startswith("selfloop.stability"):
            for value in vars(module).values():
                if hasattr(value, "clear_cache"):
                    value.clear_cache()
