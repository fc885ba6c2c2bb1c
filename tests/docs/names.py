"""The public names: those of the package itself, and of its modules that users import from."""

import importlib
import inspect
from types import ModuleType

MODULES = (
    *("selfloop.policies", "selfloop.sources", "selfloop.testing"),
    *(f"selfloop.stability.{name}" for name in ("rates", "bounds", "constants", "curvature", "golden", "jacobian")),
    *(f"selfloop.stability.{name}" for name in ("kde", "quadrature", "recursions", "regression", "sandwich")),
    *("selfloop.metrics", "selfloop.metrics.estimates", "selfloop.metrics.discrete"),
    *("selfloop.experiment", "selfloop.engine.domain", "selfloop.engine.settings"),
)
"""Beside the package itself. `selfloop` and `selfloop.metrics` say themselves what they export."""


def exported(module: ModuleType) -> list[str]:
    """The names that a module offers: its ``__all__``, or the functions and classes that it defines."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if not inspect.ismodule(getattr(module, name))]
    package = module.__name__ == "selfloop"
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and not inspect.ismodule(thing)
        and (
            package
            or (inspect.isclass(thing) or callable(thing))
            and getattr(thing, "__module__", None) == module.__name__
        )
    ]


def public() -> dict[str, object]:
    """Every public name, in full, and what it is."""
    found = {}
    for path in ("selfloop", *MODULES):
        module = importlib.import_module(path)
        found |= {f"{path}.{name}": getattr(module, name) for name in exported(module)}
    return found


def known_as(name: str, thing: object) -> set[str]:
    """The name, and that of the place where the thing is defined: the API may show it under either."""
    where = getattr(thing, "__module__", None)
    return {name} | ({f"{where}.{thing.__qualname__}"} if where and hasattr(thing, "__qualname__") else set())
