"""What the blocks of a grid share: real motion, the yardstick, and the conditions of the evaluation.

The description of real motion is kept in the grid's folder, so that measures can be taken later without the data.
"""

import functools
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh

from selfloop.batch import Batch
from selfloop.domains.motion import artefacts, measures, setup
from selfloop.domains.motion.arms import ARMS
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.measures import Described, Reference
from selfloop.domains.motion.setup import Data
from selfloop.engine.chains import lane_mesh
from selfloop.engine.plan import Block
from selfloop.engine.settings import GridConfig, motion_config
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector, Model
from selfloop.runs import files, record

PIECE = 256
"""Real windows that are described at a time."""


@dataclass(frozen=True)
class Material:
    """The parts that blocks are made of; each is made once a process."""

    config: GridConfig
    mesh: Mesh
    """All devices, those of other processes too."""

    @property
    def local(self) -> Mesh:
        """The devices of this process: as lanes exchange nothing, no program spans processes."""
        here = [device for device in self.mesh.devices.flat if device.process_index == jax.process_index()]
        return lane_mesh(here)

    @functools.cache  # noqa: B019 (one for the life of the process)
    def data(self, n: int) -> Data:
        """The real motion of the cells of one n."""
        return setup.load(motion_config(self.config, n))

    @functools.cache  # noqa: B019
    def model(self, n: int, guidance: float, first_steps: int, steps: int) -> Model:
        """The model of the cells of one n and guidance."""
        settings = motion_config(self.config, n, guidance=guidance)
        return setup.model(replace(settings, first_steps=first_steps, steps=steps), self.data(n))

    def learner(self, block: Block) -> Model:
        """The model of a block as its later generations fit it."""
        if self.config.refit == "continue":
            return self.model(block.n, block.guidance, block.first_steps, block.steps)
        return anew(self.model(block.n, block.guidance, block.first_steps, block.first_steps))

    @functools.cache  # noqa: B019
    def corrector(self, arm: str, n: int) -> Corrector:
        """The corrector of an arm, for motions of the labels of one n."""
        return ARMS[arm].corrector(motion_config(self.config, n), self.data(n))

    @functools.cache  # noqa: B019
    def reference(self, n: int) -> Reference:
        """What the samples of one n are described by."""
        data = self.data(n)
        return measures.prepare(data.reference, self._judge(), data.real.names)

    @functools.cache  # noqa: B019
    def _judge(self) -> Any:
        encoder = self.data(self.config.n[0]).encoder
        if encoder is None:
            return None
        judge, info = setup.evaluator(*encoder)
        record.write_json(self.config.out / "encoder.json", info)
        return judge

    @functools.cache  # noqa: B019
    def conditions(self, n: int) -> dict[str, Array]:
        """Label and length [N] of the samples that every generation is judged by."""
        return setup.evaluation_conditions(self.data(n), self.config.evaluate)

    def check(self, block: Block) -> None:
        """Refuse a block of other data than the grid was begun with."""
        digest, path = self.data(block.n).digest, self.config.out / f"data_{block.n}.json"
        if not path.exists():
            record.write_json(path, {"digest": digest})
        if record.read_json(path)["digest"] != digest:
            raise ConfigError(f"{self.config.out} holds a grid on other data than --data {self.config.data}")

    def store(self, n: int) -> None:
        """Write the description of real windows and the conditions of one n into the grid's folder."""
        data, out = self.data(n), self.config.out
        for name, cut in {"reference": data.reference, "pool": data.pool, f"real_{n}": data.real}.items():
            if not (out / f"{name}.npz").exists():
                store_arrays(out / f"{name}.npz", self._described(n, cut))
        if not (out / f"conditions_{n}.npz").exists():
            names = {"names": np.array(data.real.names)}
            store_arrays(out / f"conditions_{n}.npz", jax.tree.map(np.asarray, self.conditions(n)) | names)

    def _described(self, n: int, cut: Windows) -> dict[str, np.ndarray]:
        """Real windows as points of each space, their artefacts, labels and clips."""
        names = self.data(n).real.names
        label = np.array([names.index(cut.names[i]) if cut.names[i] in names else -1 for i in cut.label], np.int32)
        parts = []
        for at in range(0, len(cut.x), PIECE):
            rows = np.minimum(np.arange(at, at + PIECE), len(cut.x) - 1)
            found = _describe(self.reference(n), cut.x[rows], cut.length[rows], label[rows])
            parts.append(jax.tree.map(np.asarray, flat(found)))
        whole = jax.tree.map(lambda *leaves: np.concatenate(leaves)[: len(cut.x)], *parts)
        whole["right"] = np.where(label < 0, np.nan, whole["right"]).astype(np.float32)
        return whole | {"label": label, "clip": cut.clip}


def anew(model: Model) -> Model:
    """The model with a fit that forgets the state before it: a new network, which the fit's key decides."""

    def fit(key: Array, batch: Batch, state: Any) -> tuple[Any, Any]:
        key_init, key_fit = jax.random.split(key)
        return model.fit(key_fit, batch, model.init(key_init))

    return model._replace(fit=fit)


_describe = jax.jit(measures.describe)


def flat(described: Described) -> dict[str, Array]:
    """A description as the arrays that are kept: points of each space [N, F], ``artefacts`` [N, 6], ``right`` [N]."""
    artefacts = jax.numpy.stack([described.artefacts[name] for name in artefacts.NAMES], -1)
    return described.points | {"artefacts": artefacts, "right": described.right}


def store_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays to an .npz file in one step."""
    held = io.BytesIO()
    np.savez(held, **arrays)
    files.replace(path, held.getvalue())
