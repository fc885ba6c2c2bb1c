"""The domain of text on the engine: a run in miniature, its measures, its page, and bad settings in one line."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import language_figures
import numpy as np
import pytest

from selfloop import experiment
from selfloop.batch import uniform
from selfloop.domains.language import ngram as ngrams
from selfloop.domains.language import setup
from selfloop.domains.language.domain import LANGUAGE, MEASURES
from selfloop.domains.language.settings import PRESETS
from selfloop.engine import measure
from selfloop.engine.settings import checked
from selfloop.errors import ConfigError
from selfloop.models.neural.training import Training
from selfloop.models.neural.transformer import TransformerConfig, parameters, transformer
from selfloop.policies import POLICIES
from selfloop.runs import record
from tests.domains.language.made import settings


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    given = settings(tmp_path_factory.mktemp("run"))
    experiment.run(LANGUAGE, given)
    return given


@pytest.mark.slow
def test_a_run_says_what_the_domain_measures(run):
    rows = record.read(run.out / "metrics.jsonl")
    assert len(rows) == 2 * 2 * 3
    corrected = ("kept", "auc", "effective")
    for row in rows:
        wanted = {one.name for one in MEASURES if one.name not in corrected}
        assert wanted - row.keys() <= {"failed", "moved", "heldout_loss"}
    assert any(row.get("moved", 0) > 0 for row in rows)


@pytest.mark.slow
def test_held_out_bits_are_those_of_the_model_itself(run):
    data = setup.data(run, 100)
    model = setup.model(run, data)
    state = jax.jit(model.fit)(jax.random.key(0), data.real, None)[0]
    total, count = ngrams.bits_per_token(setup.config(run, data), state, data.own.heldout)
    first = [row for row in record.read(run.out / "metrics.jsonl") if row["generation"] == 0]
    np.testing.assert_allclose([row["heldout_bits"] for row in first], float(total.sum() / count.sum()), rtol=1e-4)


@pytest.mark.slow
def test_real_lines_have_numbers_of_sets(run):
    line = measure.reference_lines(run.out)["100"]["real"]
    assert {"types", "mauve_like", "distinct"} <= line.keys() & line["spread"].keys()
    assert line["distinct"] == 1
    assert line["unknown_words"] == 0
    assert "heldout_bits" not in line


@pytest.mark.slow
def test_the_page_shows_text(run):
    page = (run.out / "report.html").read_text()
    assert "<h2>Text</h2>" in page
    assert page.count("<tr><td>uncorrected</td>") == 2


@pytest.mark.slow
def test_records_of_a_run_are_what_its_page_tells(run, tmp_path):
    path = language_figures.keep(run.out, tmp_path / "language.jsonl")
    metrics = {(row["arm"], row["seed"], row["generation"]): row for row in record.read(run.out / "metrics.jsonl")}
    rows = record.read(path)
    assert len(rows) == len(metrics)
    for row in rows:
        told = metrics[row["arm"], row["seed"], row["generation"]]
        for name in ("heldout_bits", "mauve_like", "bits_first", "unknown_words", "length"):
            assert np.isclose(row[name], told[name], atol=1e-4)
        assert row["bits_first_quantiles"] == sorted(row["bits_first_quantiles"])
    gammas = record.read(tmp_path / "language_gammas.jsonl")
    assert {row["arm"] for row in gammas} == {"replace_repair"}
    assert language_figures.keep(run.out, path) == path
    assert record.read(path) == rows  # the same ones replace each other


def test_all_presets_can_be():
    for make in PRESETS.values():
        checked(LANGUAGE, make())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"temperature": (0.0,)}, "--temperature is 0.0; give a number above 0"),
        ({"temperature": (-1.0,)}, "--temperature is -1.0; give a number"),
        ({"n": (5000,)}, "--n is 5000; the train part of .* holds 2.. documents .*: give 2.. or fewer, or more text"),
        ({"documents": "words"}, "--documents is words; choose one of lines, blank, marks"),
        ({"model": "gpt"}, "--model is gpt; choose one of ngram, transformer"),
        ({"pieces": 200}, "--pieces is 200 with --model ngram, which reads characters; give --model transformer"),
        ({"pieces": 9, "model": "transformer"}, "--pieces is 9; give 0, or 126 .twice --alphabet. to 65536"),
        ({"pieces": 200, "model": "transformer"}, "--arms replace_repair corrects characters, and --pieces is 200"),
        ({"width": 36, "model": "transformer"}, "--width is 36 with 4 --heads; give a multiple of 8"),
        ({"rate": 0.0}, "--rate is 0.0; give a number between 0 and 1"),
        ({"gamma": -1.0}, "--gamma is -1.0; give 0 or more"),
        ({"order": 0}, "--order is 0; give 1 or more"),
    ],
)
def test_bad_settings_are_told_in_a_line(tmp_path, changes, says):
    with pytest.raises(ConfigError, match=says) as raised:
        experiment.run(LANGUAGE, replace(settings(tmp_path), **changes))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_the_gpu_preset_has_twelve_million_weights():
    given = PRESETS["gpu"]()
    sizes = TransformerConfig(given.pieces, 256, given.width, given.layers, given.heads)
    state = jax.eval_shape(transformer(sizes, Training()).init, jax.random.key(0))
    assert parameters(state.params) == 11_997_312


def test_a_tenth_is_drawn_anew_and_the_sizes_are_those_of_the_samples():
    real, made = uniform(jnp.arange(50.0)), uniform(-jnp.arange(50.0) - 1)
    policy = POLICIES["tenth"](1.0)
    drawn = []
    for t in (1, 2):
        found, _ = policy.select(jax.random.key(t), t, real, made, policy.start(real, 0))
        x, weight = np.asarray(found.x), np.asarray(found.weight)
        assert (weight[x >= 0].sum(), weight.sum()) == (5, 50)
        assert sorted(-x[(weight > 0) & (x < 0)]) == list(range(1, 46))
        drawn.append(set(x[(weight > 0) & (x >= 0)]))
    assert drawn[0] != drawn[1]
