"""Measures of observations that are made up, so that each is known from the arrays."""

from pathlib import Path

import jax
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from selfloop.domains.motion.grid import measuring, scoring

from selfloop import metrics
from selfloop.domains.motion import artefacts
from selfloop.errors import DataError
from selfloop.runs import record

N, REAL, LANES, LABELS = 24, 10, 4, 3
SIZES = {"features": 4, "kinetic": 6, "geometric": 5}
extrapolated, frechet = jax.jit(metrics.extrapolated_frechet), jax.jit(metrics.frechet_distance)
LABEL = (np.arange(N) % LABELS).astype(np.int32)


def drawn(seed: int, *shape: int, shift: float = 0.0, spaces: tuple[str, ...] = tuple(SIZES)) -> dict[str, np.ndarray]:
    """Samples [*shape] as they are kept."""
    random = np.random.default_rng(seed)
    points = {
        space: random.normal(size=(*shape, SIZES[space])).astype(np.float32) + np.float32(shift) for space in spaces
    }
    artefacts = random.random((*shape, len(artefacts.NAMES))).astype(np.float32)
    right = np.where(np.arange(shape[-1]) % 4 == 3, np.nan, np.arange(shape[-1]) % 2).astype(np.float32)
    return points | {"artefacts": artefacts, "right": np.broadcast_to(right, shape)}


def observation(t: int, **options) -> dict[str, np.ndarray]:
    """Four lanes that move away; corrected in even generations, where five samples of every lane fail."""
    found = drawn(t, LANES, N, shift=0.2 * t, **options)
    if t % 2 == 0:
        found |= {f"corrected_{name}": values for name, values in drawn(100 + t, LANES, N, **options).items()}
        found["corrected_failed"] = np.broadcast_to(np.arange(N) < 5, (LANES, N))
    return found


def grid(out: Path, generations: int = 3, **options) -> Path:
    """A finished grid of one block; its folder."""
    out.mkdir(exist_ok=True)
    real = {name: drawn(seed, count, **options) for name, seed, count in (("reference", 7, 40), ("pool", 8, 60))}
    for name, arrays in (real | {f"real_{REAL}": drawn(9, REAL, **options)}).items():
        count = len(arrays["right"])
        np.savez(out / f"{name}.npz", **arrays, clip=np.arange(count) // 2, label=np.arange(count) % LABELS)
    np.savez(out / f"conditions_{REAL}.npz", label=LABEL, length=np.full(N, 40, np.int32))
    folder = out / "blocks" / "one"
    (folder / "observations").mkdir(parents=True)
    lanes = [{"arm": "physics", "lam": 1.0, "seed": seed, "start": seed} for seed in range(LANES)]
    record.write_json(folder / "block.json", {"n": REAL, "guidance": 2.5, "lanes": lanes})
    for t in range(generations):
        np.savez(folder / "observations" / f"generation_{t:04d}.npz", **observation(t, **options))
        for i, lane in enumerate(lanes):
            identity = {"lane": i} | lane | {"n": REAL, "guidance": 2.5, "generation": t, "loss": 0.1, "moved_mm": None}
            record.append(folder / "rows.jsonl", identity)
    (folder / "done").touch()
    return folder


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory) -> Path:
    return grid(tmp_path_factory.mktemp("grid"))


@pytest.fixture(name="rows", scope="module")
def _rows(folder) -> list[dict]:
    return measuring.measure_block(folder)


def test_a_row_a_lane_and_generation_that_says_whose_it_is(folder, rows):
    assert [(row["generation"], row["lane"]) for row in rows] == [(t, i) for t in range(3) for i in range(LANES)]
    for row, kept in zip(rows, record.read(folder / "rows.jsonl"), strict=True):
        assert kept.items() <= row.items()


def test_they_are_the_metrics_of_the_points(folder, rows):
    reference, real = (np.load(folder.parents[1] / f"{name}.npz") for name in ("reference", f"real_{REAL}"))
    y = reference["features"]
    modes_covered, prdc, kid = (jax.jit(each) for each in (metrics.modes_covered, metrics.prdc, metrics.kid))
    multimodality, moments = jax.jit(metrics.multimodality), jax.jit(metrics.moments)
    frechet_parts, spread_by_label = jax.jit(metrics.frechet_parts), jax.jit(metrics.spread_by_label, static_argnums=2)
    for row in rows:
        arrays, start = observation(row["generation"]), observation(0)
        x, first = arrays["features"][row["lane"]], start["features"][row["lane"]]
        spread = spread_by_label(x, LABEL, LABELS)
        parts, drift = (frechet_parts(moments(x), moments(other)) for other in (y, first))
        fits = {f"fid_{space}": frechet(arrays[space][row["lane"]], reference[space]) for space in SIZES}
        wanted = {
            **fits,
            **prdc(x, y, y_group=reference["clip"]),
            **modes_covered(x, real["features"]),
            "fid_features_mean": parts[0],
            "fid_features_covariance": parts[1],
            "drift_mean": drift[0],
            "drift_covariance": drift[1],
            "kid_features": kid(x, y),
            "multimodality_features": multimodality(x, LABEL),
            "within_features": spread.within,
            "between_features": spread.between,
            "label_accuracy": np.nanmean(arrays["right"][row["lane"]]),
            "absent": 0,
            **dict(zip(artefacts.NAMES, arrays["artefacts"][row["lane"]].mean(0), strict=True)),
        }
        for name, value in wanted.items():
            assert np.isclose(row[name], value, rtol=1e-3, atol=2e-4), name
        pairs = cdist(x, x)[np.triu_indices(N, 1)]
        assert abs(row["diversity_features"] - pairs.mean()) < 5 * pairs.std() / np.sqrt(300)
        assert set(row) > {"diversity_kinetic", "diversity_geometric", "fid_infinity_features"}
        others = np.array([extrapolated(key, x, moments(y)) for key in jax.random.split(jax.random.key(1), 20)])
        assert abs(row["fid_infinity_features"] - others.mean()) < 5 * others.std()
    assert np.isclose(rows[0]["drift_mean"], 0, atol=1e-6)
    assert rows[-1]["drift_mean"] > rows[LANES]["drift_mean"]


def test_corrected_samples_have_measures_where_they_were_observed(folder, rows):
    reference = np.load(folder.parents[1] / "reference.npz")
    for row in rows:
        there = {name for name in row if name.startswith("corrected_")}
        if row["generation"] % 2:
            assert not there
            continue
        assert there == {f"corrected_{name}" for name in (*scoring.CORRECTED, "absent")}
        arrays = {name: values[row["lane"], 5:] for name, values in drawn(100 + row["generation"], LANES, N).items()}
        for space in ("features", "kinetic"):
            wanted = frechet(arrays[space], reference[space])
            assert np.isclose(row[f"corrected_fid_{space}"], wanted, rtol=1e-3)
        assert np.isclose(row["corrected_label_accuracy"], np.nanmean(arrays["right"]))
        assert np.isclose(
            row["corrected_jerk"], arrays["artefacts"][:, artefacts.NAMES.index("jerk")].mean(), rtol=1e-4
        )
        assert row["corrected_absent"] == 5


def test_what_died_or_is_not_finite_is_left_out(tmp_path, rows):
    """Lane 1 stops in generation 1, three samples of lane 2 are broken there, and all but three of lane 3."""
    folder = grid(tmp_path)
    broken = observation(1)
    broken["features"][1] = np.nan
    broken["features"][2, :3, 0], broken["artefacts"][2, 3, 0] = np.inf, np.nan
    broken["kinetic"][3, 3:] = np.nan
    np.savez(folder / "observations" / "generation_0001.npz", **broken)
    kept = record.read(folder / "rows.jsonl")
    kept[LANES + 1]["stopped"] = "nan"
    record.rewrite(folder / "rows.jsonl", kept)
    found = measuring.measure_block(folder)
    for row, identity, healthy in zip(found, kept, rows, strict=True):
        if (row["lane"] == 1 and row["generation"] > 0) or (row["lane"] == 3 and row["generation"] == 1):
            assert row == identity
        elif (row["lane"], row["generation"]) != (2, 1):
            assert row.keys() == healthy.keys()
            assert all(np.isclose(row[name], healthy[name], atol=1e-4) for name in scoring.CORRECTED if name in row)
    here = found[LANES + 2]
    assert here["absent"] == 3
    reference = np.load(tmp_path / "reference.npz")["features"]
    assert np.isclose(here["fid_features"], frechet(broken["features"][2, 3:], reference), rtol=1e-3)
    assert np.isclose(here[artefacts.NAMES[0]], broken["artefacts"][2, 4:, 0].mean(), rtol=1e-4)


def test_measures_are_kept_until_the_code_changes(tmp_path, monkeypatch):
    folder = grid(tmp_path, generations=2)
    first = measuring.measured(tmp_path)
    assert [{"block": "one"} | row for row in measuring.measure_block(folder)] == first
    counted = []
    monkeypatch.setattr(measuring, "measure_block", lambda folder: counted.append(folder) or [{"made": "anew"}])
    assert measuring.measured(tmp_path) == first
    assert not counted
    monkeypatch.setattr(measuring, "_digest", lambda: "another")
    for _ in range(2):
        assert measuring.measured(tmp_path) == [{"block": "one", "made": "anew"}]
    assert counted == [folder]
    (folder / "done").unlink()
    assert measuring.measured(tmp_path) == []


def test_one_program_serves_all_generations_and_numbers_of_lanes(folder, rows):
    before = scoring._score._cache_size(), scoring._score_corrected._cache_size()
    assert min(before) > 0
    measuring.measure_block(folder)
    arrays = {name: values[:1] for name, values in observation(2).items()}
    ground, samples = measuring._ground(folder.parents[1], REAL), measuring._samples(arrays, LABEL)
    row = scoring.score(ground, samples, measuring._origin(samples), LABELS)
    assert len(row) == 1
    assert np.isclose(row[0]["fid_features"], rows[2 * LANES]["fid_features"], rtol=1e-4)
    assert (scoring._score._cache_size(), scoring._score_corrected._cache_size()) == before


def test_floors_are_what_real_windows_score(folder):
    line = measuring.floor_rows(folder.parents[1])[str(REAL)]
    reference, pool = (np.load(folder.parents[1] / f"{name}.npz") for name in ("reference", "pool"))
    draws = jax.random.split(jax.random.key(0), 200)
    fid = jax.jit(lambda key: frechet(jax.random.permutation(key, pool["features"])[:N], reference["features"]))
    values = np.array([fid(key) for key in draws])
    assert line["samples"] == N
    assert abs(line["fid_features"] - values.mean()) < 5 * values.std() / np.sqrt(measuring.DRAWS)
    assert 0.3 * values.std() < line["spread"]["fid_features"] < 3 * values.std()
    assert line["fid_infinity_features"] < line["fid_features"]
    assert line["drift_mean"] > 0
    assert line["spread"].keys() == line.keys() - {"samples", "spread"}


def test_without_an_encoder_kinetic_features_take_the_place_of_latents(tmp_path):
    """And floors are half the windows against the other half: never against themselves."""
    spaces = ("kinetic", "geometric")
    folder = grid(tmp_path, generations=1, spaces=spaces)
    half = {name: values[:30] for name, values in np.load(tmp_path / "pool.npz").items()}
    np.savez(tmp_path / "reference.npz", **half)
    row = measuring.measure_block(folder)[0]
    assert {"kid_kinetic", "fid_kinetic_mean", "fid_infinity_kinetic", "modes_hit", "coverage"} < row.keys()
    assert not any("features" in name for name in row)
    line = measuring.floor_rows(tmp_path)[str(REAL)]
    assert line["samples"] == N
    pool = np.load(tmp_path / "pool.npz")["kinetic"]
    halves = [np.random.default_rng(i).permutation(60) for i in range(100)]
    values = [frechet(pool[order[:N]], pool[order[30:]]) for order in halves]
    assert abs(line["fid_kinetic"] - np.mean(values)) < 5 * np.std(values) / np.sqrt(measuring.DRAWS)


def test_an_observation_that_cannot_be_read_is_named(tmp_path):
    folder = grid(tmp_path, generations=1)
    path = folder / "observations" / "generation_0000.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="generation_0000.npz: cannot be read"):
        measuring.measure_block(folder)
