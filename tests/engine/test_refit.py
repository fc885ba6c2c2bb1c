"""A refit anew forgets the model before it; one that continues does not. Where twins start from."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from selfloop.domains.motion.grid import blocks

from selfloop.batch import uniform
from selfloop.domains.motion import setup
from selfloop.domains.motion.model.denoiser import DenoiserConfig
from selfloop.domains.motion.model.model import MotionModelConfig, motion_model
from selfloop.domains.motion.model.spectrum import spectrum
from selfloop.engine.chains import lane_mesh
from selfloop.engine.context import Material, anew
from selfloop.engine.initial import starts
from selfloop.engine.settings import GridConfig, motion_config
from tests.domains.motion.grid import tiny


def gap(a, b):
    return max(float(jnp.abs(x - y).max()) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def test_anew_starts_from_a_network_of_the_key_alone():
    x = np.random.default_rng(0).normal(size=(8, 8, 64)).astype(np.float32)
    batch = uniform(jnp.asarray(x), {"label": jnp.zeros(8, jnp.int32), "length": jnp.full(8, 8, jnp.int32)})
    network = DenoiserConfig(frames=8, labels=2, band=8, width=8, layers=1)
    model = motion_model(MotionModelConfig(network, batch=4, first_steps=3, steps=3), spectrum(x))
    one, other = model.init(jax.random.key(1)), model.init(jax.random.key(2))
    key = jax.random.key(3)
    assert gap(model.fit(key, batch, one)[0].params, model.fit(key, batch, other)[0].params) > 0.01
    fresh = anew(model).fit(key, batch, one)[0]
    assert gap(fresh, anew(model).fit(key, batch, other)[0]) == 0
    assert int(fresh.step) == 3
    assert gap(fresh.params, anew(model).fit(jax.random.key(4), batch, one)[0].params) > 0.01


def test_twins_that_start_from_a_part_are_displaced():
    asked = {"n": (8,), "lam": (1.0,), "guidance": (1.0,), "arms": ("uncorrected",), "skip": (), "first_steps": (4,)}
    config = GridConfig(**asked, seeds=1, twins=2, twin_start="part")  # a part needs no second seed
    chain, twin = blocks.plan(config)
    assert [lane.start for lane in chain.lanes] == [0]
    assert [(lane.seed, lane.start) for lane in twin.lanes] == [(0, -1)]
    assert "twin" in twin.name


def test_a_displaced_start_has_seen_a_quarter_of_the_windows(clips_folder, tmp_path):
    """Windows that are changed beyond the first quarter change the whole start, and not the displaced one."""
    config = tiny.settings(tmp_path / "grid", clips_folder, seeds=1, twins=1, twin_start="part", arms=("uncorrected",))
    _, twin = blocks.plan(config)
    block = replace(twin, lanes=(twin.lanes[0], twin.lanes[0]._replace(start=0)))
    found = []
    for spoiled in (1.0, 2.0):
        material = Material(replace(config, out=tmp_path / str(spoiled)), lane_mesh(jax.devices()[:1]))
        data = setup.load(motion_config(config, 8))
        late = (np.arange(8) >= 2)[:, None, None]
        x = np.where(late, spoiled * data.real.x, data.real.x).astype(np.float32)
        object.__setattr__(material, "data", lambda n, data=data, x=x: data._replace(real=data.real._replace(x=x)))
        object.__setattr__(material, "model", lambda *a, data=data: setup.model(motion_config(config, 8), data))
        found.append(starts(material, block, lambda steps, what: None))
    assert gap(found[0][-1].params, found[1][-1].params) == 0
    assert gap(found[0][0].params, found[1][0].params) > 0
