"""A model that reads captions: what a sentence never trained on gives, what is learned, what is drawn anew."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.domains.motion.data.features import D
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.model.model import MotionModelConfig, motion_model
from selfloop.domains.motion.model.spectrum import spectrum
from selfloop.domains.motion.text.captions import PARAPHRASES
from selfloop.domains.motion.text.conditioning import captioned, describe, paraphrased, principal, reworded, with_text
from selfloop.models.neural.denoiser import CONDITION, DenoiserConfig
from tests.domains.motion.text.meanings import CONTENTS, PAIRS, STYLES

pytestmark = pytest.mark.usefixtures("hurried")

T, STEPS, CALLS = 8, 100, 10
MEANINGS = [("run", "elderly"), ("run", "normal"), ("wave-left-hand", ""), ("wave-right-hand", "")]
TEXT = describe(MEANINGS)
WORDS = TEXT.vocabulary
CENTRES = np.random.default_rng(0).choice([-1.0, 1.0], (len(MEANINGS), D)).astype(np.float32)
CONFIG = MotionModelConfig(
    network=DenoiserConfig(frames=T, features=D, labels=len(WORDS.texts), band=T, width=32, layers=1),
    batch=32, first_steps=STEPS * CALLS, steps=STEPS, sample_steps=10, ema=0.98,
)  # fmt: skip


def clusters(n=24):
    """Motions about one centre a meaning, 0.1 wide, with its first caption."""
    meaning = np.arange(n) % len(MEANINGS)
    x = CENTRES[meaning][:, None] + 0.1 * np.random.default_rng(1).normal(size=(n, T, D)).astype(np.float32)
    return uniform(jnp.asarray(x), {"label": jnp.asarray(WORDS.trained[meaning, 0]), "length": jnp.full(n, T)})


def asked(captions):
    return {"label": jnp.asarray(captions), "length": jnp.full(len(captions), T)}


def equal(a, b):
    return jax.tree.all(jax.tree.map(lambda x, y: bool(jnp.array_equal(x, y)), a, b))


def model(text=TEXT, first_steps=STEPS * CALLS):
    return with_text(motion_model(CONFIG, spectrum(clusters().x)), text, first_steps)


@pytest.fixture(scope="module")
def reader():
    return model()


@pytest.fixture(scope="module")
def state(reader):
    now = reader.init(jax.random.key(0))
    for i in range(CALLS):
        now, info = reader.fit(jax.random.key(i), clusters(), now)
    assert float(info["loss"]) < 1
    return now


def nearest(reader, state, captions):
    """The meaning whose centre each caption's sample is nearest to."""
    means = np.asarray(reader.sample(jax.random.key(9), state, asked(captions), len(captions)).x).mean(1)
    return ((means[:, None] - CENTRES[None]) ** 2).sum(-1).argmin(1)


def test_a_sentence_never_trained_on_gives_its_own_meaning(reader, state):
    captions = np.tile(WORDS.held_out, 8)
    assert np.mean(nearest(reader, state, captions) == WORDS.meaning[captions]) > 0.9


def test_a_table_of_free_vectors_knows_nothing_of_such_a_sentence():
    # The same training without what this module adds: the yardstick that the test above is worth something.
    plain = motion_model(CONFIG, spectrum(clusters().x))
    now = plain.init(jax.random.key(0))
    for i in range(CALLS):
        now, _ = plain.fit(jax.random.key(i), clusters(), now)
    known, new = np.tile(WORDS.trained[:, 0], 8), np.tile(WORDS.held_out, 8)
    assert np.mean(nearest(plain, now, known) == WORDS.meaning[known]) > 0.9
    assert np.mean(nearest(plain, now, new) == WORDS.meaning[new]) < 0.8


def test_the_condition_is_the_row_times_what_was_learned(reader, state):
    start = reader.init(jax.random.key(0))
    free = lambda now: np.asarray(now.params["params"]["Embed_0"]["embedding"])  # noqa: E731
    axes = TEXT.rows.shape[1]
    moved = np.abs(free(state) - free(start))
    assert moved[:axes].max() > 0.05
    # The rest of the table has no slope; only weight decay acts on it, at most rate * decay a step.
    assert np.all(moved[axes:] <= CONFIG.rate * 0.01 * STEPS * CALLS * np.abs(free(start)[axes:]) + 1e-6)


def test_captions_with_equal_rows_give_equal_samples(state):
    text = TEXT._replace(rows=np.tile(TEXT.rows[:1], (len(TEXT.rows), 1)))
    drawn = model(text).sample(jax.random.key(3), state, asked(np.zeros(2, int)), 2)
    other = model(text).sample(jax.random.key(3), state, asked(np.array([5, 9])), 2)
    np.testing.assert_array_equal(drawn.x, other.x)
    np.testing.assert_array_equal(other.cond["label"], [5, 9])


def test_generation_0_draws_captions_anew_and_later_ones_take_those_given(reader):
    start = reader.init(jax.random.key(0))
    data = clusters()
    swapped = data._replace(cond=data.cond | {"label": data.cond["label"] + 1})  # still of the same meaning
    first = reader.fit(jax.random.key(1), data, start)[0]
    assert equal(first, reader.fit(jax.random.key(1), swapped, start)[0])
    late = model(first_steps=0)
    assert not equal(late.fit(jax.random.key(1), data, start)[0], late.fit(jax.random.key(1), swapped, start)[0])


def test_under_vmap_as_one_by_one(reader, state):
    keys = jax.random.split(jax.random.key(4), 2)
    fits = jax.vmap(lambda key: reader.fit(key, clusters(), reader.init(key))[1]["loss"])(keys)
    for key, loss in zip(keys, fits, strict=True):
        np.testing.assert_allclose(reader.fit(key, clusters(), reader.init(key))[1]["loss"], loss, rtol=1e-3)


def test_reworded_captions_keep_their_meaning_and_are_all_drawn_but_the_held_out():
    label = jnp.asarray(np.repeat(np.arange(len(WORDS.texts)), 200))
    drawn = np.asarray(reworded(jax.random.key(0), label, WORDS))
    np.testing.assert_array_equal(WORDS.meaning[drawn], WORDS.meaning[label])
    count = np.bincount(drawn, minlength=len(WORDS.texts)).reshape(-1, PARAPHRASES)
    np.testing.assert_array_equal(count[:, -1], 0)
    each = 200 * PARAPHRASES / (PARAPHRASES - 1)
    assert np.all(np.abs(count[:, :-1] - each) <= 5 * np.sqrt(each))


def test_a_paraphrased_source_changes_words_alone():
    data = clusters()
    source = paraphrased(lambda key, t: data, WORDS)
    one, again, other = (source(jax.random.key(seed), jnp.asarray(1)) for seed in (0, 0, 1))
    assert equal(one, again)
    assert not equal(one, other)
    assert equal(one._replace(cond=one.cond | {"label": data.cond["label"]}), data)
    np.testing.assert_array_equal(WORDS.meaning[one.cond["label"]], WORDS.meaning[data.cond["label"]])


def test_windows_get_the_first_caption_of_their_meaning():
    index = np.array([0, 1, 1], np.int32)
    cut = Windows(np.zeros((3, T, D), np.float32), np.full(3, T), index, index, index, ("run", "wave-left-hand"))
    new = captioned(cut, ["elderly", "", "normal"], WORDS)
    assert [WORDS.texts[i] for i in new.label] == [
        "a person runs in an elderly style", "a person waves the left hand", "a person waves the left hand",
    ]  # fmt: skip
    assert [new.names[i] for i in new.label] == [cut.names[i] for i in cut.label]
    with pytest.raises(KeyError):
        captioned(cut, ["blue", "", ""], WORDS)


def test_principal_rows_keep_the_geometry_of_what_is_trained_on():
    random = np.random.default_rng(0)
    flat = random.normal(size=(30, 5)) @ random.normal(size=(5, 40)) + 7
    flat[-1] += random.normal(size=40)  # not trained on: what lies beside the others' axes is left out
    trained = np.arange(29)
    rows = principal(flat.astype(np.float32), trained)
    assert rows.shape == (30, 5)
    np.testing.assert_allclose((rows[trained] ** 2).mean(), 1, rtol=1e-5)
    distance = lambda points: np.linalg.norm(points[:29, None] - points[None, :29], axis=-1)  # noqa: E731
    scale = distance(rows).sum() / distance(flat).sum()
    np.testing.assert_allclose(distance(rows), scale * distance(flat), rtol=1e-3, atol=1e-5)
    wide = principal(random.normal(size=(200, 100)).astype(np.float32), np.arange(200))
    assert wide.shape == (200, CONDITION)


def test_all_captions_of_the_large_set_fit_in_the_condition():
    words, rows = describe(PAIRS[: len(CONTENTS) * len(STYLES)])
    assert rows.shape[1] < CONDITION
    seen = words.trained.ravel()
    apart = np.linalg.norm(rows[words.held_out][:, None] - rows[seen][None], axis=-1)
    np.testing.assert_array_equal(words.meaning[seen[apart.argmin(1)]], np.arange(len(words.meanings)))
