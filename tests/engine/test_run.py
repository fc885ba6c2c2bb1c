"""A tiny grid of real motion: what it leaves, and that it is the same loop as ever."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from selfloop.domains.motion.grid import blocks, chains, report
from selfloop.domains.motion.grid import run as grid

from selfloop.domains.motion import measures, setup
from selfloop.domains.motion.arms import arm_loop
from selfloop.engine.settings import motion_config
from selfloop.loop import generation, role_key
from selfloop.runs import checkpoint, record
from tests.domains.motion.grid.tiny import by_lane, observations, rows, settings

pytestmark = pytest.mark.usefixtures("hurried")

M = N = 8


@pytest.fixture(scope="module")
def quick(compiled):
    """Runs of this module read the clips once and make no page."""
    made, load = {}, setup.load

    def once(config):
        if (config.data, config.n) not in made:
            made[config.data, config.n] = load(config)
        return made[config.data, config.n]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setup, "load", once)
        patch.setattr(report, "write", lambda out: out / "report.html")
        yield


@pytest.fixture(scope="module")
def apart(quick, compilations, clips_folder, tmp_path_factory):
    """A grid of a block a cell, and how many programs had been asked for by the time each row was written."""
    config, counts, append = settings(tmp_path_factory.mktemp("apart") / "grid", clips_folder), {}, record.append

    def counted(path, row):
        counts[row["arm"], row["generation"]] = len(compilations)
        append(path, row)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record, "append", counted)
        before = len(compilations)
        assert grid.run(config) == config.out / "report.html"
    return SimpleNamespace(config=config, out=config.out, counts=counts, before=before)


@pytest.fixture(scope="module")
def together(quick, clips_folder, tmp_path_factory):
    """The same as one block."""
    config = settings(tmp_path_factory.mktemp("together") / "grid", clips_folder, together=3)
    grid.run(config)
    return SimpleNamespace(config=config, out=config.out)


def test_a_grid_leaves_all_it_promises(apart):
    planned = blocks.plan(apart.config)
    assert {path.name for path in (apart.out / "blocks").iterdir()} == {block.name for block in planned}
    found = rows(apart.out)
    for block in planned:
        folder = blocks.folder_of(apart.out, block)
        assert {path.name for path in folder.iterdir()} == {"block.json", "rows.jsonl", "observations", "done"}
        memory = record.read_json(folder / "done")["peak_memory_mib"]
        assert 0 < memory["second_generation"] <= memory["end"]
        kept = found[block.name]
        assert [(row["generation"], row["lane"]) for row in kept] == [(t, i) for t in range(4) for i in range(2)]
        for row in kept:
            lane = block.lanes[row["lane"]]
            assert row.items() >= (lane._asdict() | {"n": 8, "guidance": 1.0}).items()
            assert "stopped" not in row
            if row["generation"]:
                assert np.isfinite([row["loss"], row["moved_mm"]]).all()
                assert row["failed"] == 0
                assert (row["moved_mm"] > 0) is (lane.arm == "smoothing")
        for row in record.read(folder / "rows.jsonl"):
            parts = ["evaluate"] + ["sample", "correct", "train"] * (row["generation"] > 0)
            assert all(row[f"{kind}_{part}"] >= 0 for part in parts for kind in ("seconds", "core_seconds"))
    for name in ("config.json", "environment.json", "reference.npz", "pool.npz", "real_8.npz", "conditions_8.npz"):
        assert (apart.out / name).exists()
    assert [path.name for path in (apart.out / "starts").rglob("*.msgpack")] == ["seeds_0_to_1.msgpack"]
    assert not list(apart.out.rglob("*.tmp"))


def test_observations_have_their_shapes(apart):
    shapes = {"kinetic": (2, N, 45), "geometric": (2, N, 25), "artefacts": (2, N, 6), "right": (2, N)}
    for block in blocks.plan(apart.config):
        corrects = block.lanes[0].arm == "smoothing"
        for t in range(4):
            kept = observations(apart.out)[f"blocks/{block.name}/observations/generation_{t:04d}.npz"]
            expected = dict(shapes)
            if t % apart.config.audit_every == 0:
                expected["x"] = (2, 4, 40, 64)
                if corrects:
                    expected |= {f"corrected_{name}": shape for name, shape in shapes.items()}
                    expected["corrected_failed"] = (2, N)
            assert {name: values.shape for name, values in kept.items()} == expected
            for name, values in kept.items():
                assert values.dtype == (bool if name == "corrected_failed" else np.float32)
                assert "right" in name or np.isfinite(values).all()


def test_real_motion_is_described_once_for_all(apart):
    for name, count in (("reference", None), ("real_8", 8)):
        with np.load(apart.out / f"{name}.npz") as arrays:
            kept = {key: arrays[key] for key in arrays.files}
        assert kept.keys() == {"kinetic", "geometric", "artefacts", "right", "label", "clip"}
        assert {len(values) for values in kept.values()} == {count or len(kept["clip"])}
    with np.load(apart.out / "conditions_8.npz") as arrays:
        assert set(arrays.files) == {"label", "length", "names"}


def test_all_arms_of_a_seed_begin_as_the_same_model_and_seeds_differ(apart):
    first = [kept for path, kept in observations(apart.out).items() if path.endswith("0000.npz")]
    assert len(first) == 3
    for other in first[1:]:
        np.testing.assert_array_equal(other["kinetic"], first[0]["kinetic"])
    assert (first[0]["kinetic"][0] != first[0]["kinetic"][1]).any()
    last = [kept for path, kept in observations(apart.out).items() if path.endswith("0003.npz")]
    assert (last[0]["kinetic"] != last[1]["kinetic"]).any()


def test_a_generation_after_the_first_compiles_nothing(apart):
    assert apart.counts["baseline", 0] > apart.before
    for arm in apart.config.arms:
        assert apart.counts[arm, 3] == apart.counts[arm, 1], arm


def test_lanes_do_not_depend_on_their_company(apart, together):
    """But for rounding, which a generation's few training steps carry on: 1e-3 of what varies by 1."""
    assert len(rows(together.out)) == 1
    one, other = by_lane(apart.out), by_lane(together.out)
    assert one.keys() == other.keys()
    for at in one:
        assert one[at].keys() == other[at].keys()
        for name in ("loss", "moved_mm"):
            if one[at].get(name) is not None:
                assert one[at][name] == pytest.approx(other[at][name], rel=1e-3), at
    alone, block = observations(apart.out), blocks.plan(together.config)[0]
    mixed = observations(together.out)
    for own in blocks.plan(apart.config):
        at = [block.lanes.index(lane) for lane in own.lanes]
        for t in range(4):
            kept = alone[f"blocks/{own.name}/observations/generation_{t:04d}.npz"]
            held = mixed[f"blocks/{block.name}/observations/generation_{t:04d}.npz"]
            for name in ("kinetic", "geometric"):
                np.testing.assert_allclose(held[name][at], kept[name], atol=1e-3)


def test_the_uncorrected_arm_is_the_loop_of_the_single_run(apart):
    """`loop.generation`, driven from Python from the same generation 0, for one lane: the same numbers but rounding."""
    seed, config = 1, motion_config(apart.config, 8)
    data = setup.load(config)
    model = setup.model(config, data)
    loop, key = arm_loop("uncorrected", config, data, model), jax.random.key(seed)
    like = jax.tree.map(lambda leaf: np.zeros((2, *leaf.shape), leaf.dtype), jax.eval_shape(model.init, key))
    both = checkpoint.load(next((apart.out / "starts").rglob("seeds_0_to_1.msgpack")), like)
    carry = chains.Carry(jax.tree.map(lambda leaf: jnp.asarray(leaf[seed]), both), ())
    block = next(block for block in blocks.plan(apart.config) if block.lanes[0].arm == "uncorrected")
    cond, reference = setup.evaluation_conditions(data, N), measures.prepare(data.reference, None, data.real.names)
    for t in range(4):
        if t:
            carry, result = generation(loop, key, jnp.asarray(t, jnp.int32), carry)
            at = ("uncorrected", 1.0, seed, seed, t)
            assert float(result.fit["loss"]) == pytest.approx(by_lane(apart.out)[at]["loss"], rel=1e-3)
        draw, _ = jax.random.split(role_key(key, 0, "evaluate"))
        x = model.sample(draw, carry.state, cond, N).x
        found = measures.describe(reference, x, cond["length"], cond["label"]).points
        kept = observations(apart.out)[f"blocks/{block.name}/observations/generation_{t:04d}.npz"]
        for name in found:
            np.testing.assert_allclose(kept[name][seed], found[name], atol=1e-3)
