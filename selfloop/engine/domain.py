"""The domain: all that an experiment must know of its subject, and the only thing that a new one has to fill in.

Plain callables and tables. Whatever is measured follows from an `Observation` of samples; whatever a reader is told of
a measure follows from its `Measure`. Letters: n real samples, N evaluation samples, M reference samples, F features.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jax import Array

from selfloop.batch import Batch
from selfloop.protocols import Adaptive, Corrector, Model, Source
from selfloop.sources import fixed


class Data(NamedTuple):
    """The real data of an experiment for one n."""

    real: Batch
    """The n samples that the loop trains on."""
    reference: Batch
    """What samples are judged by [M]."""
    pool: Batch
    """Samples of the loop's own law, at least four, for the lines of real data."""
    apart: bool = True
    """Whether the reference holds other samples than the pool."""
    group: Array | None = None
    """What each reference sample is a piece of [M]; pieces of one thing are no neighbours. None: each is its own."""
    sources: Mapping[str, Callable[[Batch], Source]] = {"fixed": fixed}  # noqa: RUF012 (never written to)
    """How an arm may see real data, ``make(real) -> source``: ``fixed``, and what else the domain has (``fresh``)."""
    conditions: Callable[[int], Any] = lambda count: None
    """``conditions(N)``: what the samples that every generation is judged by are asked for."""
    names: tuple[str, ...] = ()
    """What the labels among the conditions are called."""
    digest: str = ""
    """A hash of all data: a run is not continued on others."""
    about: str = ""
    """Where the data are from, and their licence."""
    own: Any = None
    """Whatever else the domain keeps."""


class Observation(NamedTuple):
    """What is measured of N samples, each alone, and of all of them together."""

    spaces: Mapping[str, Array]
    """Points [N, F] by the name of their space."""
    values: Mapping[str, Array]
    """Numbers [N] by name, NaN where unknown; their means are measures."""
    numbers: Mapping[str, Array] = {}  # noqa: RUF012
    """Numbers of all N samples together, scalars by name (how many words are used, a divergence of histograms); each is
    a measure. They depend on N."""
    shares: Mapping[str, Array] = {}  # noqa: RUF012 (never written to)
    """Classes [N, K] that each sample belongs to, 0 to 1 and 1 in all, by the name of what classes them: measured are
    the entropy of all samples together and their variance within and between recognised classes."""


class Arm(NamedTuple):
    """One way of training: what corrects, what is trained on."""

    corrector: str = "identity"
    """Its name in the domain's ``correctors``; ``identity`` is always there."""
    policy: str = "augment"
    """Its name in `policies.POLICIES`."""
    source: str = "fixed"
    """Its name in ``Data.sources``."""
    synthetic: bool = True
    """Whether it trains on its own samples; lambda is 0 where it does not."""
    pointwise: bool = False
    """Whether the corrector looks at each sample alone and uses neither key nor state, so that the samples of many
    chains may go together."""
    predicted: bool = True
    """Whether ``lambda / ((1 + lambda)(1 + gamma))`` is about it: its fixed point is the data's law. Never so under
    another policy than ``augment``."""


KINDS = ("", "artefact", "moment", "drift", "mode", "within")
"""Parts of collapse that a measure may tell of."""
BETTER = ("", "less", "more")
"""Which way a measure is better."""


class Measure(NamedTuple):
    """What a reader is told of a measure."""

    name: str
    unit: str = ""
    kind: str = ""
    """One of `KINDS`; empty for none."""
    better: str = ""
    """One of `BETTER`; empty where neither is."""
    headline: bool = False
    """Whether it stands in the first table."""
    optional: bool = False
    """Whether some settings do not measure it; another one that nothing measures is a mistake."""
    about: str = ""
    """Its definition in a sentence, for a reader who points at it; empty where `analysis.glossary` has one."""
    least: float | None = None
    """The smallest value that can be: no interval is shown to go below. None: no limit."""
    most: float | None = None
    """The largest value that can be."""


class Domain(NamedTuple):
    """A subject of experiments."""

    name: str
    settings: type
    """A frozen dataclass, `settings.Settings` with the domain's own fields."""
    data: Callable[[Any, int], Data]
    """``data(settings, n)``."""
    model: Callable[[Any, Data], Model]
    """``model(settings, data)``, where settings hold one n and one value of every axis."""
    observe: Callable[[Any, Data], Callable[[Batch], Observation]]
    """``observe(settings, data)``: a traceable function; a `jax.tree_util.Partial` where it holds large arrays."""
    arms: Mapping[str, Arm]
    numbers: Callable[[Any, Data], Callable[[Any], Mapping[str, Array]]] = lambda settings, data: lambda state: {}
    """``numbers(settings, data)``: a traceable function from a model's state to what is measured of it without samples,
    scalars by name (its likelihood of held-out data); a `jax.tree_util.Partial` where it holds large arrays. The
    settings hold one value of every axis."""
    correctors: Mapping[str, Callable[[Any, Data], Corrector | Adaptive]] = {}  # noqa: RUF012
    """``make(settings, data) -> corrector`` by name; each is made once a run, however long it trains."""
    spaces: tuple[str, ...] = ("points",)
    """Spaces by rank: the first that observations hold is the primary one, in which laws are compared."""
    audited: tuple[str, ...] = ()
    """Spaces beside the primary one in which the strength of a corrector is measured."""
    measures: tuple[Measure, ...] = ()
    """Of the ``values``, and of others where the domain wants to say more than the engine's own table."""
    axes: tuple[str, ...] = ()
    """Settings, each a tuple, that a sweep varies beside n and lambda."""
    by_n: tuple[str, ...] = ()
    """Settings, each a tuple, of which there is one value or one for each n."""
    first_fits: Callable[[Any], int] = lambda settings: 1
    """How many calls of the model's fit make generation 0."""
    check: Callable[[Any], None] = lambda settings: None
    """Raises ConfigError for settings of its own that cannot be."""
    environment: Callable[[Any], Mapping[str, Any]] = lambda settings: {}
    """What a run depends on beside versions and devices, for environment.json."""
    traceable: bool = True
    """Whether model and observation can be compiled by JAX. If not (NumPy, scikit-learn, PyTorch), their functions see
    concrete arrays, and the chains of a job run one after another."""
    title: str = "A self-consuming loop"
    sections: Callable[[Path], Sequence[tuple[str, str]]] = lambda out: ()
    """``sections(out)``: titles and HTML of what the page shows beside tables and figures."""


def primary(domain_spaces: Sequence[str], spaces: Mapping[str, Any]) -> str:
    """The space in which laws are compared: the first of the domain's that is there."""
    return next(name for name in domain_spaces if name in spaces)
