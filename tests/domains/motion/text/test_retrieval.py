"""R-precision: against the draws it is the expectation of, by hand, and of heads that have learned."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.text import retrieval
from selfloop.domains.motion.text.conditioning import describe
from selfloop.domains.motion.text.retrieval import CANDIDATES, TOP, candidates, hits, train, trained_on
from selfloop.errors import ConfigError
from tests.domains.motion.text.meanings import CONTENTS, STYLES

pytestmark = pytest.mark.usefixtures("hurried")

TEXT = describe((label, style) for label in CONTENTS for style in STYLES)
WORDS = TEXT.vocabulary
M = len(WORDS.meanings)
CENTRES = np.random.default_rng(0).normal(size=(M, 16)).astype(np.float32)


def motions(seed, each=6, noise=0.3):
    """Latents about one centre a meaning, and the meanings."""
    meaning = np.repeat(np.arange(M, dtype=np.int32), each)
    return CENTRES[meaning] + noise * np.random.default_rng(seed).normal(size=(M * each, 16)).astype(
        np.float32
    ), meaning


def r_precision(heads, latents, caption):
    """The mean of what is found for each motion alone."""
    return {name: float(values.mean()) for name, values in hits(candidates(heads), latents, caption).items()}


@pytest.fixture(scope="module")
def heads():
    latents, meaning = motions(1)
    return train(jax.random.key(0), jnp.asarray(latents), jnp.asarray(meaning), TEXT)


def test_new_motions_find_sentences_never_trained_on(heads):
    latents, meaning = motions(2)
    found = r_precision(heads, jnp.asarray(latents), jnp.asarray(WORDS.held_out[meaning]))
    assert found["r_precision_1"] > 0.9
    assert found["r_precision_1"] <= found["r_precision_2"] <= found["r_precision_3"] <= 1
    assert 0 < found["matching"] < 1


def test_motions_of_another_kind_find_them_as_chance_has_it(heads):
    latents, meaning = motions(2)
    # Every motion asked for every other meaning once: on average no meaning is nearer than another.
    shifts = [
        r_precision(heads, jnp.asarray(latents), jnp.asarray(WORDS.held_out[(meaning + s) % M])) for s in range(M)
    ]
    for k in TOP:
        mean = float(np.mean([found[f"r_precision_{k}"] for found in shifts]))
        np.testing.assert_allclose(mean, k / CANDIDATES, rtol=1e-3)
    assert np.mean([found["matching"] for found in shifts[1:]]) > 1.5 * shifts[0]["matching"]


def test_it_is_the_expectation_of_draws_of_candidates(heads):
    latents, meaning = motions(3, each=1, noise=2.0)  # hard to tell
    found = r_precision(heads, jnp.asarray(latents), jnp.asarray(WORDS.held_out[meaning]))
    motion, sentence, _ = retrieval._Towers().apply(heads.params, latents, TEXT.rows[WORDS.held_out])
    product, random = np.asarray(motion @ sentence.T), np.random.default_rng(0)
    draws, ranks = 400, []
    for _ in range(draws):
        for own in range(M):
            others = random.choice(np.delete(np.arange(M), own), CANDIDATES - 1, replace=False)
            ranks.append(np.sum(product[own, others] >= product[own, own]))
    for k in TOP:
        share = np.mean(np.array(ranks) < k)
        # Motions are the same in every draw: the error is that of the draws alone, at most a binomial's.
        assert abs(float(found[f"r_precision_{k}"]) - share) <= 4 * np.sqrt(share * (1 - share) / len(ranks))


def test_all_meanings_are_candidates_where_there_are_few():
    text = describe([("walk", ""), ("run", ""), ("jump", ""), ("kick", "")])
    heads = train(jax.random.key(0), jnp.eye(4), jnp.arange(4), text)
    held_out = jnp.asarray(text.vocabulary.held_out)
    right = r_precision(heads, jnp.eye(4), held_out)
    assert all(right[f"r_precision_{k}"] == 1 for k in TOP)
    wrong = r_precision(heads, jnp.eye(4), jnp.roll(held_out, 1))
    assert wrong["r_precision_1"] == 0
    each = hits(candidates(heads), jnp.eye(4)[:2], jnp.stack([held_out[0], held_out[2]]))["r_precision_1"]
    np.testing.assert_array_equal(each, [1, 0])


def test_a_motion_without_a_caption_has_none_to_find(heads):
    latents, meaning = motions(2, each=1)
    caption = jnp.asarray(WORDS.held_out[meaning]).at[3].set(-1)
    for values in hits(candidates(heads), jnp.asarray(latents), caption).values():
        np.testing.assert_array_equal(jnp.isnan(values), np.arange(M) == 3)


def test_where_all_captions_are_one_nothing_is_found(heads):
    same = heads._replace(text=TEXT._replace(rows=np.zeros_like(TEXT.rows)))
    latents, meaning = motions(2, each=1)
    found = r_precision(same, jnp.asarray(latents), jnp.asarray(WORDS.held_out[meaning]))
    assert all(found[f"r_precision_{k}"] == 0 for k in TOP)


def windows(names, label):
    n = len(label)
    index = np.arange(n, dtype=np.int32)
    return Windows(np.zeros((n, 4, 64), np.float32), np.full(n, 4, np.int32), np.array(label), index, index, names)


def test_windows_without_a_caption_are_not_trained_on(monkeypatch):
    seen = {}
    monkeypatch.setattr(retrieval, "embed", lambda judge, x, length: x[:, 0, :3])
    monkeypatch.setattr(retrieval, "train", lambda key, latents, meaning, text: seen.update(z=latents, m=meaning))
    cut = windows(("run", "swim", "walk"), [0, 1, 2, 0])
    trained_on(None, cut, ["normal", "", "elderly", "blue"], TEXT)
    assert seen["z"].shape == (2, 3)
    assert [WORDS.meanings[i] for i in seen["m"]] == [("run", ""), ("walk", "elderly")]
    with pytest.raises(ConfigError, match="no clip for the evaluator"):
        trained_on(None, windows(("swim",), [0]), [""], TEXT)
