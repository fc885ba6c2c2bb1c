"""Measures of a run against direct computation from what was kept of its samples; what is measured again, and when."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from selfloop import metrics
from selfloop.domains.gaussian.domain import GAUSSIAN
from selfloop.engine import folder, measure, scores
from selfloop.engine.domain import Arm, Observation
from selfloop.errors import DataError
from selfloop.runs import files, record
from tests.engine.small import compute, jobs, small, timeless

N, REAL, LABELS = 24, 10, 3
LABEL = (np.arange(N) % LABELS).astype(np.int32)
SETTINGS = {"arms": ("replace", "mended"), "n": (REAL,), "generations": 2, "seeds": 4, "evaluate": N, "d": 3}
extrapolated, frechet = jax.jit(metrics.extrapolated_frechet), jax.jit(metrics.frechet_distance)


def data(settings, n):
    """Conditions of three labels; reference samples are the halves of things."""
    made = GAUSSIAN.data(settings, n)
    group = jnp.arange(made.reference.capacity, dtype=jnp.int32) // 2
    return made._replace(conditions=lambda count: jnp.arange(count, dtype=jnp.int32) % LABELS, group=group)


def observe(settings, data):
    """Two spaces; a value that is unknown of every fourth sample, and one that always is known."""

    def observed(batch):
        x = batch.x
        right = jnp.where(jnp.arange(len(x)) % 4 == 3, jnp.nan, (x[:, 0] > 0).astype(x.dtype))
        return Observation({"points": x, "wide": jnp.concatenate([x, x**2], 1)}, {"right": right, "size": x[:, 1] ** 2})

    return observed


def mended(settings, data):
    """Half of each sample; five in every 24 fail."""

    def correct(key, batch, state):
        failed = jnp.arange(batch.capacity) % N < 5
        fixed = batch._replace(x=batch.x / 2, weight=jnp.where(failed, 0, batch.weight))
        return fixed, {"failed": failed, "moved": jnp.abs(batch.x).mean(1)}

    return correct


DOMAIN = GAUSSIAN._replace(
    data=data, observe=observe, spaces=("unseen", "points", "wide"), measures=(),
    correctors=GAUSSIAN.correctors | {"mended": mended},
    arms=GAUSSIAN.arms | {"mended": Arm("mended", pointwise=True)},
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return compute(small(tmp_path_factory.mktemp("measured") / "run", **SETTINGS), DOMAIN)


@pytest.fixture(scope="module")
def measured(run):
    return measure.measured(run)


def home_of(out, arm):
    (home,) = out.glob(f"jobs/*{arm}*")
    return home


def kept(out, row):
    """The observations that a row is about."""
    arrays = files.read_arrays(folder.observation_file(home_of(out, row["arm"]), row["generation"]))
    return {name: values[row["chain"]] for name, values in arrays.items()}


def test_a_row_a_chain_and_generation_that_says_whose_it_is(run, measured):
    known = [row for path in sorted(run.glob("jobs/*/rows.jsonl")) for row in record.read(path)]
    assert len(measured) == len(known) == 2 * 3 * 4
    for row, own in zip(measured, known, strict=True):
        assert own.items() <= row.items()
    assert measure.write_metrics(run) == measured == record.read(run / "metrics.jsonl")


def test_they_are_the_metrics_of_the_points(run, measured):
    reference, real = folder.real(run, REAL), folder.real(run, REAL, "real")
    y, group = reference["space/points"], reference["group"]
    modes, prdc, kid = (jax.jit(each) for each in (metrics.modes_covered, metrics.prdc, metrics.kid))
    multimodality, moments = jax.jit(metrics.multimodality), jax.jit(metrics.moments)
    parts_of, spread_of = jax.jit(metrics.frechet_parts), jax.jit(metrics.spread_by_label, static_argnums=2)
    for row in measured:
        arrays, first = kept(run, row), kept(run, row | {"generation": 0})["space/points"]
        x, wide = arrays["space/points"], arrays["space/wide"]
        spread = spread_of(x, LABEL, LABELS)
        parts, drift = (parts_of(moments(x), moments(other)) for other in (y, first))
        wanted = {
            **prdc(x, y, y_group=group),
            **modes(x, real["space/points"]),
            "fid_points": frechet(x, y),
            "fid_wide": frechet(wide, reference["space/wide"]),
            "fid_points_mean": parts[0],
            "fid_points_covariance": parts[1],
            "drift_mean": drift[0],
            "drift_covariance": drift[1],
            "kid_points": kid(x, y),
            "multimodality_points": multimodality(x, LABEL),
            "within_points": spread.within,
            "between_points": spread.between,
            "right": np.nanmean(arrays["value/right"]),
            "size": arrays["value/size"].mean(),
            "absent": 0,
        }
        for name, value in wanted.items():
            assert np.isclose(row[name], value, rtol=1e-3, atol=2e-4), name
        pairs = cdist(x, x)[np.triu_indices(N, 1)]
        assert abs(row["diversity_points"] - pairs.mean()) < 5 * pairs.std() / np.sqrt(scores.PAIRS)
        others = np.array([extrapolated(key, x, moments(y)) for key in jax.random.split(jax.random.key(1), 20)])
        assert abs(row["fid_infinity_points"] - others.mean()) < 5 * others.std()
        if row["generation"] == 0:
            assert np.isclose(row["drift_mean"], 0, atol=1e-6)
        else:
            assert row["drift_mean"] > 1e-4


def test_corrected_samples_have_measures_where_they_were_observed(run, measured):
    reference = folder.real(run, REAL)
    for row in measured:
        there = {name for name in row if name.startswith("corrected_")}
        if row["arm"] == "replace" or row["generation"] % 2:
            assert not there
            continue
        names = ("fid_points", "fid_wide", "diversity_points", "diversity_wide", "right", "size", "absent")
        assert there == {f"corrected_{name}" for name in names}
        arrays = {name: values[5:] for name, values in kept(run, row).items() if name.startswith("corrected/")}
        for space in ("points", "wide"):
            wanted = frechet(arrays[f"corrected/space/{space}"], reference[f"space/{space}"])
            assert np.isclose(row[f"corrected_fid_{space}"], wanted, rtol=1e-3, atol=2e-4)
        assert np.isclose(row["corrected_right"], np.nanmean(arrays["corrected/value/right"]))
        assert np.isclose(row["corrected_size"], arrays["corrected/value/size"].mean(), rtol=1e-4)
        assert row["corrected_absent"] == 5


def test_what_died_or_is_not_finite_is_left_out(run, measured, tmp_path):
    """Chain 1 stops in generation 1, three samples of chain 2 are broken there, and all but three of chain 3."""
    out = shutil.copytree(run, tmp_path / "run")
    home = home_of(out, "replace")
    path, rows = folder.observation_file(home, 1), record.read(home / "rows.jsonl")
    broken = files.read_arrays(path)
    broken["space/points"][1] = np.nan
    broken["space/points"][2, :3, 0], broken["value/size"][2, 3] = np.inf, np.nan
    broken["space/wide"][3, 3:] = np.nan
    files.store_arrays(path, broken)
    rows[4 + 1]["stopped"] = "nan"
    record.rewrite(home / "rows.jsonl", rows)
    found = measure.measure_job(home)
    healthy = [row for row in measured if row["arm"] == "replace"]
    for row, identity, sound in zip(found, rows, healthy, strict=True):
        at = row["chain"], row["generation"]
        if at in ((1, 1), (1, 2), (3, 1)):
            assert row == identity
        elif at != (2, 1):
            assert row.keys() == sound.keys()
            assert all(np.isclose(row[name], sound[name], atol=1e-5) for name in row if name.startswith(("fid", "kid")))
    here = next(row for row in found if (row["chain"], row["generation"]) == (2, 1))
    assert here["absent"] == 3
    y = folder.real(run, REAL)["space/points"]
    assert np.isclose(here["fid_points"], frechet(broken["space/points"][2, 3:], y), rtol=1e-3)
    assert np.isclose(here["size"], broken["value/size"][2, 4:].mean(), rtol=1e-4)


def test_measures_are_kept_until_a_job_grows_or_the_code_changes(run, measured, tmp_path):
    out = shutil.copytree(run, tmp_path / "run")
    paths = [home_of(out, arm) / measure.FILE for arm in SETTINGS["arms"]]
    heads = [record.read(path)[0] for path in paths]
    for path, head in zip(paths, heads, strict=True):
        record.rewrite(path, [head, {"kept": True}])
    assert measure.measured(out) == [{"kept": True}] * 2
    record.rewrite(paths[0], [heads[0] | {"code": "another"}, {"kept": True}])
    again = measure.measured(out)
    assert again.count({"kept": True}) == 1
    assert [row for row in again if "arm" in row] == [row for row in measured if row["arm"] == "replace"]
    compute(small(out, **SETTINGS | {"generations": 3}), DOMAIN)
    grown = measure.measured(out)
    assert len(grown) == 2 * 4 * 4
    assert timeless([row for row in grown if row["generation"] < 3]) == timeless(sorted(measured, key=grown.index))


def test_one_program_serves_all_generations_and_numbers_of_chains(run, measured, compilations):
    home = home_of(run, "mended")
    measure.measure_job(home)
    before = len(compilations)
    measure.measure_job(home)
    assert len(compilations) == before
    job = folder.read_job(home)
    assert len(job.chains) % scores.PIECE  # four chains are measured three at a time


def test_real_lines_are_what_real_samples_score(run):
    lines = measure.reference_lines(run)[str(REAL)]
    assert lines.keys() == {"real", "real, mended"}
    line, after = lines["real"], lines["real, mended"]
    y, pool = (folder.real(run, REAL, name)["space/points"] for name in ("reference", "pool"))
    fid = jax.jit(lambda key: frechet(jax.random.permutation(key, pool)[:N], y))
    values = np.array([fid(key) for key in jax.random.split(jax.random.key(0), 200)])
    assert line["samples"] == after["samples"] == N
    assert abs(line["fid_points"] - values.mean()) < 5 * values.std() / np.sqrt(measure.DRAWS)
    assert 0.3 * values.std() < line["spread"]["fid_points"] < 3 * values.std()
    assert line["fid_infinity_points"] < line["fid_points"] < after["fid_points"]
    assert np.isclose(after["size"] / line["size"], 0.25, rtol=0.5)
    assert line["drift_mean"] > 0
    assert line["spread"].keys() == line.keys() - {"samples", "distinct", "spread"}
    assert line["distinct"] == len(pool)


def test_real_lines_are_measured_once_and_again_where_what_they_are_of_has_changed(run, tmp_path, monkeypatch):
    first, out, asked = measure.reference_lines(run), tmp_path / "run", []
    shutil.copytree(run, out)
    monkeypatch.setattr(measure, "_line", lambda out, n, *arrays: asked.append(n) or {"samples": 1})
    assert measure.reference_lines(out) == first
    assert not asked
    (path,) = out.glob("data/*/pool_mended.npz")
    arrays = files.read_arrays(path)
    files.store_arrays(path, arrays | {"value/size": arrays["value/size"] + 1})
    assert measure.reference_lines(out)[str(REAL)].keys() == first[str(REAL)].keys()
    assert asked == [REAL, REAL]
    measure.reference_lines(out)
    assert len(asked) == 2


def labelled(settings, n):
    """A small set that is its own reference: of three labels, far apart, of which samples have 12, 6 and 2."""
    pool = data(settings, n).pool
    label = jnp.repeat(jnp.arange(LABELS, dtype=jnp.int32), jnp.array([12, 6, 2]), total_repeat_length=20)
    x = pool.x[:20] + 8.0 * label[:, None].astype(pool.x.dtype)
    pool = pool._replace(x=x, weight=pool.weight[:20], cond=label)
    return data(settings, n)._replace(pool=pool, reference=pool, apart=False, group=None)


def test_a_line_is_what_a_model_scores_whose_law_is_that_of_real_data(tmp_path):
    """It is asked for the same labels as models are, draws as many samples, and is held against the same reference."""
    out = compute(small(tmp_path / "run", **SETTINGS | {"arms": ("baseline",), "seeds": 1, "generations": 1}),
                  DOMAIN._replace(data=labelled))  # fmt: skip
    line = measure.reference_lines(out)[str(REAL)]["real"]
    assert (line["samples"], line["distinct"]) == (N, 20)
    y, label = (folder.real(out, REAL)[name] for name in ("space/points", "label"))
    random, by_label, by_chance = np.random.default_rng(1), [], []
    for _ in range(200):
        rows = np.concatenate([random.choice(np.flatnonzero(label == one), N // LABELS) for one in range(LABELS)])
        by_label.append(float(frechet(y[rows], y)))
        by_chance.append(float(frechet(y[random.integers(20, size=N)], y)))
    error = np.std(by_label) / np.sqrt(measure.DRAWS)
    assert abs(line["fid_points"] - np.mean(by_label)) < 5 * error
    assert 0.4 * np.std(by_label) < line["spread"]["fid_points"] < 2.5 * np.std(by_label)
    assert np.std(by_chance) > 2.5 * line["spread"]["fid_points"]
    assert line["precision"] == 1  # every sample is a reference sample
    assert line["coverage"] > 0.9


def test_draws_are_independent_where_there_are_enough_and_never_beyond_their_label():
    label = np.repeat(np.arange(3), [20, 10, 5])
    strata = measure._strata(label, np.array([0] * 6 + [2] * 2 + [7]))
    assert [(len(held), count) for held, count in strata] == [(20, 6), (5, 2), (35, 1)]
    one, other = measure._draw(np.random.default_rng(0), strata[:2], independent=True)
    assert (label[one] == [0] * 6 + [2] * 2).all()
    assert len(set(one) | set(other)) == 16
    one, other = measure._draw(np.random.default_rng(0), [(np.arange(2), 50)], independent=False)
    assert 10 < one.sum() < 40
    assert not np.array_equal(one, other)


def test_an_observation_that_cannot_be_read_is_named(run, tmp_path):
    out = shutil.copytree(run, tmp_path / "run")
    home = home_of(out, "replace")
    path = folder.observation_file(home, 1)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"generation_0001\.npz: cannot be read"):
        measure.measure_job(home)
    held = next(one for one in folder.chains(out) if one.arm == "replace")
    with pytest.raises(DataError, match=r"generation_0001\.npz: cannot be read"):
        folder.trace(held, "space/points")


def test_what_a_reader_finds_in_a_folder(run):
    """Every chain once; its trace, and its samples that were kept whole, before and after correction."""
    held = folder.chains(run)
    assert (
        len({one[:6] for one in held})
        == len(held)
        == sum(len(job.chains) for job in jobs(small(run, **SETTINGS), DOMAIN))
    )
    for one in held:
        assert list(folder.trace(one, "space/points")) == [0, 1, 2]
        shown = folder.samples(one, 2)
        fixed = {"corrected/x", "corrected/failed"} if one.arm == "mended" else set()
        assert shown.keys() == {"x"} | fixed
        assert shown["x"].shape == (6, 3)
        np.testing.assert_array_equal(shown["x"], folder.trace(one, "space/points")[2][:6])
        assert folder.samples(one, 1) == {}
    about = folder.about(run)
    assert about["arms"]["mended"] == {"corrects": True, "synthetic": True, "predicted": True}
    with pytest.raises(DataError, match="domain.json: no such file; give the folder of a run"):
        folder.about(run / "data")


def test_a_run_leaves_all_that_it_promises_and_nothing_else(run):
    assert {path.name for path in run.iterdir()} >= {"config.json", "domain.json", "environment.json", "data", "jobs"}
    names = {path.name for path in (run / "data" / f"n{REAL}").iterdir()} - {measure.LINES}  # if measured meanwhile
    assert names == {"about.json", "reference.npz", "pool.npz", "real.npz", "conditions.npz", "pool_mended.npz"}
    assert [path.name for path in run.glob("initial/**/*.msgpack")] == ["seeds_0_to_3.msgpack"]
    assert not list(run.rglob("*.tmp"))
    for home in run.glob("jobs/*"):
        files_there = {path.name for path in home.iterdir()} - {measure.FILE}
        assert files_there == {"job.json", "rows.jsonl", "observations", "done", "generation_0002.msgpack"}
        for t in range(3):
            shapes = {"space/points": (4, N, 3), "space/wide": (4, N, 6), "value/right": (4, N), "value/size": (4, N)}
            if "mended" in home.name and t != 1:
                shapes |= {f"corrected/{name}": shape for name, shape in shapes.items()}
                shapes |= {"corrected/weight": (4, N), "corrected/failed": (4, N), "corrected/x": (4, 6, 3)}
            shapes |= {"x": (4, 6, 3)} if t != 1 else {}
            arrays = files.read_arrays(folder.observation_file(home, t))
            assert {name: values.shape for name, values in arrays.items()} == shapes
            for name, values in arrays.items():
                assert values.dtype == (bool if name == "corrected/failed" else np.float32)
        for row in record.read(home / "rows.jsonl"):
            parts = ["evaluate"] + ["sample", "correct", "train"] * (row["generation"] > 0)
            assert all(row[f"{kind}_{part}"] >= 0 for part in parts for kind in ("seconds", "core_seconds"))
