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
from selfloop.engine import folder
from selfloop.engine.chains import chain_mesh
from selfloop.engine.check import check_data, check_model, check_observation
from selfloop.engine.domain import Data, Domain, Observation
from selfloop.engine.plan import Job
from selfloop.engine.settings import Settings, single
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector, Model, identity
from selfloop.runs import files, record

PIECE = 256
"""Real samples that are observed at a time."""


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
        return model if self.settings.refit == "finetune" else from_scratch(model, self.first_fits(subject))

    @functools.cache  # noqa: B019
    def corrector(self, name: str, subject: Job) -> Corrector:
        """A corrector by its name, for samples of the jobs of one n and one value of every axis."""
        if name == "identity":
            return identity
        return self.domain.correctors[name](self._settings(subject), self.data(subject.n))

    def correctors(self, job: Job) -> dict[str, Corrector]:
        """The corrector of every arm of a job."""
        arms = dict.fromkeys(chain.arm for chain in job.chains)
        return {arm: self.corrector(self.domain.arms[arm].corrector, job.subject) for arm in arms}

    @functools.cache  # noqa: B019
    def observe(self, n: int) -> Callable[[Batch], Observation]:
        """What is measured of samples of one n, as a pytree that can be passed to a program."""
        found = self.domain.observe(single(self.settings, n, ()), self.data(n))
        check_observation(self.domain, found, self.data(n).pool)
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
            raise ConfigError(f"{self.settings.out} holds a run on other data than --data {self.settings.data}")

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

    def observed(self, n: int, batch: Batch) -> folder.Arrays:
        """Observation arrays of a batch of any size, and its ``label`` [N]."""
        parts, count = [], batch.capacity
        for at in range(0, count, PIECE):
            rows = np.minimum(np.arange(at, at + min(PIECE, count)), count - 1)
            parts.append(jax.tree.map(np.asarray, _observe(self.observe(n), take(batch, rows))))
        whole = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:count], *parts)
        return arrays(whole) | {"label": labels(batch.cond, count)}


_observe = jax.jit(lambda observe, batch: observe(batch))


def arrays(found: Observation, prefix: str = "") -> dict[str, Any]:
    """An observation as the arrays that are kept, by `folder`'s names."""
    spaces = {f"{prefix}space/{name}": points for name, points in found.spaces.items()}
    shares = {f"{prefix}share/{name}": values for name, values in found.shares.items()}
    return spaces | shares | {f"{prefix}value/{name}": values for name, values in found.values.items()}


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
