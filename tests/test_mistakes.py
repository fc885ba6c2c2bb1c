"""Plausible mistakes: each is told in one clear line of the package's own errors, before it can change a result."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import selfloop as sl
from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.domains import arrays
from selfloop.domains.gaussian.domain import ARMS, GAUSSIAN, GaussianSettings, data
from selfloop.engine.check import check_data, check_tables
from selfloop.engine.plan import plan
from selfloop.engine.settings import Settings, checked
from selfloop.errors import SelfloopError
from selfloop.protocols import Loop
from tests.tables import normal_draw

N = 30
KEY = jax.random.key(3)
X = jax.random.normal(jax.random.key(11), (N, 2))
REAL = sources.fixed(uniform(X))
MODEL = sl.gaussian(2)
NONE = {"moved": jnp.zeros(N), "failed": jnp.zeros(N, bool)}


def run(model=MODEL, policy=None, source=REAL, synthetic=None, corrector=sl.identity, generations=2, measure=None):
    """A loop, scanned; m is derived."""
    loop = Loop(model, policy or policies.augment(1.0), source, synthetic, corrector)
    return sl.scan(loop, KEY, generations, measure or (lambda key, result: result.state.mean))


def fixed(*args):
    return sources.fixed(sl.Batch(*args))


def counting():
    """States that count fits in their mean: 100 after generation 0, NaN in generation 2."""

    def fit(key, batch, state):
        mean = jnp.where(state.mean > 150, jnp.nan, state.mean + 100)
        return state._replace(mean=mean), {}

    return MODEL._replace(fit=fit)


def forgetful():
    """A loop by hand that was not told how many generations its memory is for."""
    loop = Loop(MODEL, policies.accumulate(), REAL, N)
    carry, _ = sl.begin(loop, KEY)
    sl.generation(loop, KEY, jnp.asarray(1, jnp.int32), carry)


def whole():
    """Counts for a Gaussian, as a session has it that lets numbers of all kinds be added."""
    with jax.numpy_dtype_promotion("standard"):
        run(source=sources.fixed(uniform((X * 9).astype(jnp.int32))))


LIBRARY = {
    "lambda above what is drawn": (
        lambda: run(policy=policies.augment(4.0), synthetic=50),
        "lambda asks for 120 synthetic samples beside 30 real ones and Loop(synthetic=50) draws 50",
    ),
    "no number of samples": (lambda: run(policy=policies.replace()), "give Loop(synthetic=m)"),
    "m is no whole number": (lambda: run(synthetic=30.0), "synthetic is 30.0; give a whole number"),
    "lambda is a text": (lambda: policies.augment("half"), "lambda is half; it is the number of synthetic samples"),
    "lambda is too small": (lambda: run(policy=policies.augment(0.01)), "less than one synthetic point"),
    "the policy is not called": (lambda: run(policy=policies.replace), "give a Policy; call it: replace(...)"),
    "the model is not called": (lambda: run(model=sl.gaussian), "give a Model; call it: gaussian(...)"),
    "the source is a batch": (lambda: run(source=uniform(X)), "sources.fixed(batch) makes one of a batch"),
    "the source is an array": (lambda: run(source=X), "Loop's source is float32[30, 2]; give a function"),
    "the source returns an array": (lambda: run(source=lambda key, t: X), "the source returned float32[30, 2]"),
    "a corrector not made": (lambda: run(corrector=sl.replacement), "the corrector replacement failed on samples"),
    "a corrector without info": (lambda: run(corrector=lambda k, b, s: b), "a corrector returns (Batch, info)"),
    "a corrector of another precision": (
        lambda: run(corrector=lambda k, b, s: (b._replace(x=b.x.astype(jnp.bfloat16)), NONE)),
        "returned x as bfloat16[30, 2]; it was given float32[30, 2]",
    ),
    "a corrector of another shape": (
        lambda: run(corrector=lambda k, b, s: (b._replace(x=b.x[:, :1]), NONE)),
        "returned x as float32[30, 1]; it was given float32[30, 2]",
    ),
    "a corrector that adds conditions": (
        lambda: run(corrector=lambda k, b, s: (b._replace(cond=jnp.arange(N)), NONE)),
        "returned cond as int32[30]; it was given nothing",
    ),
    "a corrector that counts in whole numbers": (
        lambda: run(corrector=lambda k, b, s: (b, NONE | {"moved": jnp.zeros(N, jnp.int32)})),
        "moved: int32[30]",
    ),
    "a generator that ignores n": (
        lambda: run(model=MODEL._replace(sample=lambda key, state, cond, n: uniform(X[:7]))),
        "the model's sample returned 7 samples of 30",
    ),
    "a generator of arrays": (
        lambda: run(model=MODEL._replace(sample=lambda key, state, cond, n: X)),
        "the model's sample returned float32[30, 2]; it returns a Batch",
    ),
    "whole numbers for a Gaussian": (
        whole,
        "the model's sample returned samples as float32[N, 2]; the real ones are int32[N, 2]",
    ),
    "a fit that returns its state alone": (
        lambda: run(model=MODEL._replace(fit=lambda key, batch, state: MODEL.fit(key, batch, state)[0])),
        "a fit returns (state, info)",
    ),
    "a fit that changes the state's shape": (
        lambda: run(model=sl.exponential(), source=sources.fixed(uniform(jnp.abs(X)))),
        "the model's fit returned the state.mean as float32[2]; the state before it (of init) was float32[1]",
    ),
    "three columns for two dimensions": (
        lambda: run(source=sources.fixed(uniform(jnp.ones((N, 3)) * X[:, :1]))),
        "a Gaussian in 2 dimensions takes samples [N, 2], and was given samples [30, 3]",
    ),
    "points on the line without a column": (
        lambda: run(model=sl.gaussian(1), source=sources.fixed(uniform(X[:, 0]))),
        "x.reshape(-1, 1) makes columns",
    ),
    "a policy that forgets its memory": (
        lambda: run(policy=sl.protocols.Policy(lambda real, c: (), lambda k, t, r, c, m: r), synthetic=N),
        "the policy's select returned Batch; it returns (Batch, memory)",
    ),
    "a number for a key": (
        lambda: sl.begin(Loop(MODEL, policies.augment(1.0), REAL), 0),
        "the key is int; give one key, jax.random.key(seed)",
    ),
    "several keys": (
        lambda: sl.begin(Loop(MODEL, policies.augment(1.0), REAL), jax.random.split(KEY, 3)),
        "the key is key<fry>[3]; give one key",
    ),
    "half a generation": (lambda: run(generations=2.5), "generations is 2.5; give a whole number"),
    "fewer than no generations": (lambda: run(generations=-1), "generations is -1; give a whole number"),
    "a measure of samples in generation 0": (
        lambda: run(measure=lambda key, result: result.raw.x.mean()),
        "measure cannot take generation 0, whose raw and corrected batches are None",
    ),
    "a memory without room": (forgetful, "generation 1 does not fit in a memory of 0 synthetic samples"),
    "every sample fails": (
        lambda: run(corrector=lambda k, b, s: (b, NONE | {"failed": jnp.ones(N, bool)})),
        "the chain ended in generation 1: every synthetic sample failed",
    ),
    "every sample is rejected": (
        lambda: run(corrector=sl.verifier(lambda x: x[:, 0] > 1e9, 1.0, 0.0)),
        "the chain ended in generation 1: every synthetic sample was given weight 0",
    ),
    "a state that becomes NaN": (
        lambda: run(model=counting(), generations=4),
        "the chain ended in generation 2: the model's state is not finite",
    ),
    "fresh data of weight 0": (
        lambda: run(source=sources.fresh(lambda key: sl.Batch(X, jnp.zeros(N)))),
        "the chain ended in generation 0: nothing was left to train on",
    ),
    "rows of unequal length": (lambda: uniform([[1.0, 2.0], [3.0]]), "x is no array of numbers"),
    "texts": (lambda: uniform(np.array(["a", "b"])), "x is no array of numbers (<U1[2])"),
    "labels of another length": (lambda: uniform(X, jnp.arange(7)), "all need one leading axis of N samples"),
    "one number": (lambda: uniform(jnp.asarray(3.0)), "x and cond hold float32[]"),
    "no data": (lambda: fixed(X[:0], jnp.ones(0)), "the real data hold no samples"),
    "data of weight 0": (lambda: fixed(X, jnp.zeros(N)), "hold 30 samples of weight 0"),
    "data with NaN": (lambda: fixed(X.at[4, 1].set(jnp.nan), jnp.ones(N)), "hold 1 of 30 samples that are NaN"),
    "a negative weight": (lambda: fixed(X, jnp.ones(N).at[2].set(-1)), "the first at row 2"),
    "whole numbers for weights": (lambda: fixed(X, jnp.ones(N, jnp.int32)), "weights int32[30]; give float [N]"),
    "an array for a batch": (lambda: sources.fixed(X), "the real data are float32[30, 2]; give a Batch"),
    "an array for a pool": (lambda: sources.fresh_from(X, 5), "the pool are float32[30, 2]; give a Batch"),
}


def told(call, line):
    """The call raises one line of the package's own, which holds ``line``."""
    with pytest.raises(SelfloopError) as raised:
        call()
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("mistake", LIBRARY)
def test_mistakes_with_the_library(mistake):
    told(*LIBRARY[mistake])


def planned(**changes):
    settings = checked(GAUSSIAN, replace(GaussianSettings(), **changes))
    return plan(GAUSSIAN, settings)


SETTINGS = {
    "n alone": ({"n": 50}, "--n is 50; give a tuple of values"),
    "half a sample": ({"n": (50.5,)}, "--n is 50.5; give a whole number, 4 or more"),
    "n twice": ({"n": (50, 50)}, "--n is 50 50; give one or more, each once"),
    "half a seed": ({"seeds": 2.5}, "--seeds is 2.5; give a whole number"),
    "generations as text": ({"generations": "5"}, "--generations is '5'; give a whole number"),
    "yes for a number": ({"evaluate": True}, "--evaluate is True; give a whole number"),
    "too few samples to judge by": ({"evaluate": 2}, "--evaluate is 2; give 4 or more"),
    "one arm without its tuple": ({"arms": "baseline"}, "--arms is 'baseline'; give a tuple"),
    "an arm misspelt": ({"arms": ("idealized",)}, "--arms idealized: no such arm; choose from baseline"),
    "a negative lambda": ({"lam": (-1.0,)}, "--lam is -1.0; give a number, 0 or more"),
    "an infinite gamma": ({"gamma": (float("inf"),)}, "--gamma is inf; give a number"),
    "a lambda of no sample": ({"n": (20,), "lam": (0.01,)}, "less than one synthetic point"),
    "another word for refit": ({"refit": "anew"}, "--refit is anew; choose one of finetune, from_scratch"),
    "a pair without its colon": ({"skip": ("256",)}, "--skip '256'; give pairs n:lambda"),
    "everything left out": ({"lam": (1.0,), "n": (100,), "skip": ("100:1",)}, "--skip leaves no cell"),
    "coupled chains of one seed": (
        {"seeds": 1, "coupled_start": "seed", "coupled": 3},
        "--coupled needs 2 --seeds or more",
    ),
    "a number for a folder": ({"out": 7}, "--out is 7; give a path"),
}


@pytest.mark.parametrize("mistake", SETTINGS)
def test_mistakes_in_settings_from_python(mistake):
    changes, line = SETTINGS[mistake]
    told(lambda: planned(**changes), line)


def spoilt(**changes):
    return lambda: check_data(GAUSSIAN, data(GaussianSettings(), 9)._replace(**changes), 9)


DOMAIN = {
    "other settings": (lambda: checked(GAUSSIAN, Settings()), "settings are Settings; domain gaussian takes Gaussian"),
    "settings not made": (lambda: checked(GAUSSIAN, GaussianSettings), "domain gaussian takes GaussianSettings(...)"),
    "no domain": (lambda: checked("gaussian", GaussianSettings()), "the domain is str; give a"),
    "an arm by its corrector's name": (
        lambda: check_tables(GAUSSIAN._replace(arms=ARMS | {"mine": "idealised"})),
        "the arm mine is str; give an Arm(...)",
    ),
    "a measure by its name": (
        lambda: check_tables(GAUSSIAN._replace(measures=("second_moment",))),
        "a measure is 'second_moment'; give a Measure(name, ...)",
    ),
    "a reference of NaN": (
        spoilt(reference=sl.Batch(X * jnp.nan, jnp.ones(N))),
        "Data.reference hold 30 of 30 samples that are NaN",
    ),
    "a pool of weight 0": (spoilt(pool=sl.Batch(X, jnp.zeros(N))), "Data.pool hold 30 samples of weight 0"),
}


@pytest.mark.parametrize("mistake", DOMAIN)
def test_mistakes_in_a_domain(mistake):
    told(*DOMAIN[mistake])


ROWS = np.asarray(X, float)


def fit(seed, samples, previous):
    return samples.mean(0), samples.std(0)


def draw(seed, state, n):
    mean, std = state
    return np.random.default_rng(seed).normal(mean, std, (n, 2))


def made(**changes):
    """The domain of arrays with one part that is wrong."""
    return arrays.arrays(**{"real": ROWS, "fit": fit, "draw": draw} | changes)


def generator(fit=fit, draw=draw, room=None, weight=1.0, n=5, cond=None):
    """A model of these, fitted to rows of one weight and sampled."""
    model = sl.external(fit, draw, ROWS, room)
    batch = uniform(ROWS)
    state, _ = model.fit(KEY, batch._replace(weight=batch.weight * weight), model.init(KEY))
    return model.sample(KEY, state, cond, n)


EXTERNAL = {
    "a fit that returns nothing": (lambda: generator(fit=lambda seed, x, previous: None), "fit returned None"),
    "a state that is no data": (
        lambda: generator(fit=lambda seed, x, previous: (i for i in x)),
        "the state that fit returned (generator) cannot be pickled",
    ),
    "a draw of another number": (
        lambda: generator(draw=lambda seed, state, n: ROWS),
        "draw returned float64[30, 2] when asked for 3 samples; it returns float32[3, 2]",
    ),
    "a draw of texts": (
        lambda: generator(draw=lambda seed, state, n: np.full((n, 2), "a")),
        "draw returned <U1[3, 2] when asked for 3 samples",
    ),
    "a state that grows": (
        lambda: generator(fit=lambda seed, x, previous: x, draw=lambda seed, state, n: state[:n], room=90),
        "and room is 90 (",
    ),
    "weights that a fit cannot be told of": (lambda: generator(weight=0.5), "give fit a parameter `weight`"),
    "labels": (lambda: generator(cond=jnp.arange(5)), "an external model knows no conditions"),
    "under scan": (
        lambda: run(model=sl.external(fit, draw, ROWS), measure=lambda key, result: result.state.length),
        "drive it with selfloop.checkpointed",
    ),
    "a corrector that drops rows": (
        lambda: sl.external_corrector(lambda seed, x: x[:-2])(KEY, uniform(X), None),
        "returned float32[28, 2] for samples float32[30, 2]; it returns as many",
    ),
    "few samples": (lambda: made(real=ROWS[:9]), "there are 9 real samples; give 16 or more"),
    "NaN among the samples": (lambda: made(real=np.where(ROWS > 1, np.nan, ROWS)), "real samples are NaN or infinite"),
    "more than the loop's half": (
        lambda: arrays.run(ROWS, fit, draw, "unused", n=(30,)),
        "--n is 30; of 30 real samples 15 are the loop's",
    ),
    "a setting misspelt": (
        lambda: arrays.run(ROWS, fit, draw, "unused", generation=5),
        "no setting is called generation; do you mean generations",
    ),
    "a result for a function": (lambda: made(draw=ROWS), "draw is float64[30, 2]; give a function"),
    "wide samples": (lambda: made(real=np.zeros((20, 40, 40))), "a sample is 1600 numbers"),
    "a measure of all samples at once": (
        lambda: arrays.run(ROWS, fit, draw, "unused", measures={"mean": lambda x: x.mean()}),
        "mean returned float32[] of 15 samples; it returns numbers [15]",
    ),
}


@pytest.mark.parametrize("mistake", EXTERNAL)
def test_mistakes_with_functions_of_ones_own(mistake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told(*EXTERNAL[mistake])
    assert not list(tmp_path.iterdir())


def test_the_table_is_long_enough():
    assert len(LIBRARY) + len(SETTINGS) + len(DOMAIN) + len(EXTERNAL) >= 40


def test_under_vmap_a_chain_that_ended_is_nan_from_there_on_though_fits_forget():
    def corrector(key, batch, state):  # fails every sample of a chain's generation where its mean is far off
        return batch, NONE | {"failed": jnp.full(N, jnp.abs(state.mean[0]) > 50)}

    def chain(shift):
        model = MODEL._replace(fit=lambda key, batch, state: MODEL.fit(key, batch._replace(x=batch.x + shift), state))
        loop = Loop(model, policies.augment(1.0), REAL, corrector=corrector)
        return sl.scan(loop, KEY, 4, lambda key, result: (result.state.mean[0], result.ended))[1]

    mean, ended = jax.vmap(chain)(jnp.asarray([0.0, 60.0]))
    assert np.isfinite(mean[0]).all()
    np.testing.assert_array_equal(ended[0], 0)
    np.testing.assert_array_equal(np.isfinite(mean[1]), [True, False, False, False, False])
    np.testing.assert_array_equal(ended[1] > 0, [False, True, True, True, True])


def test_a_traced_lambda_above_what_is_drawn_gives_no_number():
    def chain(lam):
        loop = Loop(MODEL, policies.augment(lam), REAL, N)
        return sl.scan(loop, KEY, 1, lambda key, result: result.state.mean[0])[1][-1]

    found = jax.vmap(chain)(jnp.asarray([1.0, 4.0]))
    assert np.isfinite(found[0])
    assert np.isnan(found[1])


def test_what_is_derived_is_what_was_given():
    """m of lambda and n; the memory of the generations."""
    for policy, synthetic in ((policies.augment(0.5), 15), (policies.augment(0.0), 1)):
        carry, _ = sl.begin(Loop(MODEL, policy, REAL), KEY)
        raw = sl.loop.propose(Loop(MODEL, policy, REAL), KEY, jnp.asarray(1, jnp.int32), carry)
        assert raw.capacity == synthetic
    carry, _ = sl.begin(Loop(MODEL, policies.accumulate(), REAL, 7), KEY, 4)
    assert carry.memory.capacity == 28
    one = run(policy=policies.augment(0.5), corrector=sl.replacement(normal_draw, 1.0))[1]
    np.testing.assert_array_equal(one, run(policy=policies.augment(0.5), synthetic=15,
                                           corrector=sl.replacement(normal_draw, 1.0))[1])  # fmt: skip
