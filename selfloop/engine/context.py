"""The context of a run: data, model, correctors and observers, each made once a process and shared by all jobs."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh
from jax.tree_util import Partial

from selfloop.batch import Batch, take
from selfloop.contracts import check, check_corrector
from selfloop.engine import folder
from selfloop.engine.chains import chain_mesh, one_by_one, over_chains
from selfloop.engine.check import (
    check_data,
    check_measures,
    check_model,
    check_numbers,
    check_observation,
    check_parts,
)
from selfloop.engine.domain import Data, Domain, Observation
from selfloop.engine.plan import Job
from selfloop.engine.settings import Settings, single
from selfloop.errors import ConfigError
from selfloop.policies import POLICIES
from selfloop.protocols import Adaptive, Corrector, Loop, Model, identity
from selfloop.runs import files, record

PIECE = 256
"""Real samples that are observed at a time."""
DRAWS = 8
"""Sets of real samples of which numbers of all samples together are taken."""


@dataclass(frozen=True, eq=False)
class Context:
    """The parts that jobs are made of; each is made once."""

    domain: Domain
    settings: Settings

    @functools.cached_property
    def mesh(self) -> Mesh:
        """The devices of this process."""
        return chain_mesh()

    @functools.cache  # noqa: B019 (one for the life of the process)
    def data(self, n: int) -> Data:
        """The real data of the jobs of one n."""
        found = self.domain.data(single(self.settings, n, ()), n)
        check_data(self.domain, found, n)
        return found

    @functools.cache  # noqa: B019
    def model(self, subject: Job) -> Model:
        """The model of the jobs of one `Job.subject`."""
        found = self.domain.model(self._settings(subject), self.data(subject.n))
        check_model(self.domain, found)
        return found

    def first_fits(self, subject: Job) -> int:
        """How many calls of the model's fit make generation 0."""
        return self.domain.first_fits(self._settings(subject))

    @functools.cache  # noqa: B019
    def learner(self, subject: Job) -> Model:
        """The model as its later generations fit it."""
        model = self.model(subject)
        if self.settings.refit == "finetune":
            return model
        anew = from_scratch if self.domain.traceable else from_scratch_by_hand
        return anew(model, self.first_fits(subject))

    def over(self, function: Callable) -> Callable:
        """A function of one chain as one of all chains: compiled, where the domain can be."""
        return (over_chains if self.domain.traceable else one_by_one)(function, self.mesh)

    @functools.cache  # noqa: B019
    def corrector(self, name: str, subject: Job) -> Corrector | Adaptive:
        """A corrector by its name, for samples of the jobs of one n and one value of every axis."""
        if name == "identity":
            return identity
        return self.domain.correctors[name](self._settings(subject), self.data(subject.n))

    def correctors(self, job: Job) -> dict[str, Corrector | Adaptive]:
        """The corrector of every arm of a job."""
        arms = dict.fromkeys(chain.arm for chain in job.chains)
        return {arm: self.corrector(self.domain.arms[arm].corrector, job.subject) for arm in arms}

    @functools.cache  # noqa: B019
    def observe(self, n: int) -> Callable[[Batch], Observation]:
        """What is measured of samples of one n, as a pytree that can be passed to a program."""
        found = self.domain.observe(single(self.settings, n, ()), self.data(n))
        return found if isinstance(found, Partial) else Partial(found)

    @functools.cache  # noqa: B019
    def numbers(self, subject: Job) -> Callable[[Any], Any]:
        """What is measured of the states of the jobs of one subject, as a pytree that can be passed to a program."""
        found = self.domain.numbers(self._settings(subject), self.data(subject.n))
        return found if isinstance(found, Partial) else Partial(found)

    @functools.cache  # noqa: B019
    def conditions(self, n: int) -> Any:
        """The conditions of the samples that every generation is judged by."""
        return self.data(n).conditions(self.settings.evaluate)

    def _settings(self, subject: Job) -> Settings:
        return single(self.settings, subject.n, subject.axes + subject.by_n)

    def check(self, n: int) -> None:
        """Refuse other data than the run was begun with."""
        path, data = folder.data_folder(self.settings.out, n) / "about.json", self.data(n)
        if not path.exists():
            record.write_json(path, {"digest": data.digest, "about": data.about, "names": list(data.names)})
        if record.read_json(path)["digest"] != data.digest:
            raise ConfigError(
                f"{self.settings.out} holds a run on other data than --data {self.settings.data}; give another --out"
            )

    def check_parts(self, job: Job) -> None:
        """Refuse models, policies, correctors and measures that are not what they should be, before all computing."""
        seen = check_observation(self.domain, self.observe(job.n), self.data(job.n).pool)
        numbers = check_numbers(self.domain, self.numbers(job.subject), self.model(job.subject).init)
        check_measures(self.domain, seen, numbers)
        data, model, tried = self.data(job.n), self.learner(job.subject), check
        for arm, corrector in self.correctors(job).items():
            source, m = data.sources[job.source](data.real), job.synthetic
            lam = next(chain.lam for chain in job.chains if chain.arm == arm)
            check_parts(self.domain, Loop(model, POLICIES[job.policy](lam), source, m, corrector), arm, tried)
            tried = check_corrector  # the other arms have the same model, policy and source

    def store(self, job: Job) -> None:
        """Observe the real samples of a job's n, once, and what its arms' correctors make of them."""
        n, home = job.n, folder.data_folder(self.settings.out, job.n)
        data = self.data(n)
        for name, batch in {"reference": data.reference, "pool": data.pool, "real": data.real}.items():
            if not (home / f"{name}.npz").exists():
                found = self.observed(n, batch)
                if name == "reference" and data.group is not None:
                    found["group"] = np.asarray(data.group)
                files.store_arrays(home / f"{name}.npz", found | {"apart": np.asarray(data.apart)})
        if not (home / "numbers.npz").exists() and (numbers := self._numbers(n, data)):
            files.store_arrays(home / "numbers.npz", numbers)
        if not (home / "conditions.npz").exists():
            cond = self.conditions(n)
            held = {"label": labels(cond, self.settings.evaluate)}
            more = jax.tree.map(np.asarray, cond) if isinstance(cond, dict) else {}
            files.store_arrays(home / "conditions.npz", held | more)
        for arm, corrector in self.correctors(job).items():
            path = home / f"pool_{arm}.npz"
            if self.domain.arms[arm].pointwise and corrector is not identity and not path.exists():
                some = take(data.pool, np.arange(min(2 * self.settings.evaluate, data.pool.capacity)))
                fixed, info = corrector(jax.random.key(0), some, None)
                found = self.observed(n, fixed) | {"failed": np.asarray(info["failed"])}
                files.store_arrays(path, found)

    def _numbers(self, n: int, data: Data) -> folder.Arrays:
        """What is measured of `DRAWS` sets of real samples as it is of a generation's, [DRAWS] by name."""
        found, size = [], data.pool.capacity
        for draw in range(DRAWS):
            rows = np.random.default_rng(draw).permutation(size)[: self.settings.evaluate]
            found.append(self._seen(n, take(data.pool, rows)).numbers)
            if not found[0]:
                return {}
        return jax.tree.map(lambda *values: np.asarray(values), *found)

    def _seen(self, n: int, batch: Batch) -> Observation:
        return (_observe if self.domain.traceable else _by_hand)(self.observe(n), batch)

    def observed(self, n: int, batch: Batch) -> folder.Arrays:
        """Observation arrays of a batch of any size, and its ``label`` [N]."""
        parts, count = [], batch.capacity
        for at in range(0, count, PIECE):
            rows = np.minimum(np.arange(at, at + min(PIECE, count)), count - 1)
            some = self._seen(n, take(batch, rows))._replace(numbers={})
            parts.append(jax.tree.map(np.asarray, some))
        whole = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:count], *parts)
        return arrays(whole) | {"label": labels(batch.cond, count)}


def _by_hand(observe: Callable[[Batch], Observation], batch: Batch) -> Observation:
    return observe(batch)


_observe = jax.jit(_by_hand)


def arrays(found: Observation, prefix: str = "") -> dict[str, Any]:
    """An observation as the arrays that are kept, by `folder`'s names."""
    kinds = {"space": found.spaces, "value": found.values, "share": found.shares, "number": found.numbers}
    return {f"{prefix}{kind}/{name}": leaf for kind, held in kinds.items() for name, leaf in held.items()}


def labels(cond: Any, count: int) -> np.ndarray:
    """Class [N] of samples by their conditions: an array of integers, or the entry ``label``; else all are class 0."""
    found = cond.get("label") if isinstance(cond, dict) else cond
    whole = found is not None and jnp.issubdtype(jnp.asarray(found).dtype, jnp.integer) and jnp.ndim(found) == 1
    return np.asarray(found, np.int32) if whole else np.zeros(count, np.int32)


def from_scratch(model: Model, calls: int) -> Model:
    """The model with a fit that forgets the state before it: a new one, which the fit's key decides, fitted as often
    as generation 0 is.
    """

    def fit(key: Array, batch: Batch, state: Any) -> tuple[Any, Any]:
        key_init, key_fit = jax.random.split(key)
        keys = jax.vmap(lambda call: jax.random.fold_in(key_fit, call))(jnp.arange(calls, dtype=jnp.int32))
        state, infos = jax.lax.scan(lambda state, key: model.fit(key, batch, state), model.init(key_init), keys)
        return state, jax.tree.map(lambda leaf: leaf[-1], infos)

    return model._replace(fit=fit)


def from_scratch_by_hand(model: Model, calls: int) -> Model:
    """`from_scratch` of a model that cannot be compiled."""

    def fit(key: Array, batch: Batch, state: Any) -> tuple[Any, Any]:
        key_init, key_fit = jax.random.split(key)
        state, info = model.init(key_init), {}
        for call in range(calls):
            state, info = model.fit(jax.random.fold_in(key_fit, call), batch, state)
        return state, info

    return model._replace(fit=fit)
