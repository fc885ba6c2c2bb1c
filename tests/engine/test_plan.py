"""Jobs: every chain in exactly one, of one shape and policy; what is known is never planned or computed again."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfloop.domains.gaussian.domain import ARMS, GAUSSIAN, GaussianSettings
from selfloop.engine import folder
from selfloop.engine.plan import Chain, Job, described, plan
from selfloop.engine.settings import cells
from selfloop.errors import ConfigError, DataError
from selfloop.policies import synthetic_count
from tests.engine.small import by_chain, bytes_of, compute, observations, points, same, same_arrays, small

FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def few(values):
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def asked(draw):
    """Any settings."""
    n, lam = draw(few((8, 16, 64))), draw(few((0.25, 1.0, 4.0)))
    pairs = [f"{a}:{b:g}" for a in n for b in lam]
    return GaussianSettings(
        n=n,
        lam=lam,
        skip=tuple(draw(st.lists(st.sampled_from(pairs), unique=True, max_size=len(pairs) - 1))),
        gamma=draw(few((0.5, 1.0, 2.0))),
        arms=tuple(draw(st.lists(st.sampled_from(list(ARMS)), min_size=1, max_size=5, unique=True))),
        seeds=draw(st.integers(2, 4)),
        generations=draw(st.sampled_from((5, 9))),
        coupled=draw(st.sampled_from((0, 2, 100))),
        coupled_start=draw(st.sampled_from(("seed", "part"))),
        together=draw(st.sampled_from((1, 3, 64))),
    )


def start(config, seed):
    """Where a coupled chain starts."""
    return -1 - seed if config.coupled_start == "part" else [1, 0, 1, 2, 3, 4, 5, 6][seed]


def wanted(config):
    """Every chain that is asked for, with what its job shares and its generations."""
    found = set()
    for cell in cells(GAUSSIAN, config):
        for seed in range(config.seeds):
            for coupled in (False, True) if config.coupled else (False,):
                generations = min(config.coupled, config.generations) if coupled else config.generations
                chain = Chain(cell.arm, cell.lam, seed, start(config, seed) if coupled else seed)
                found.add((cell.n, cell.axes, generations, chain))
    return found


def held(planned):
    """The same of jobs, as a list."""
    return [(job.n, job.axes, job.generations, chain) for job in planned for chain in job.chains]


@FEW
@given(asked())
def test_the_cells_are_all_those_asked_for_in_order_and_a_baseline_once(config):
    pairs = [(n, lam) for n in config.n for lam in config.lam if f"{n}:{lam:g}" not in config.skip]
    every = [(n, (("gamma", gamma),), lam if ARMS[arm].synthetic else 0.0, arm)
             for gamma in config.gamma for n, lam in pairs for arm in config.arms]  # fmt: skip
    assert cells(GAUSSIAN, config) == list(dict.fromkeys(every))


@FEW
@given(asked())
def test_every_chain_is_in_exactly_one_job(config):
    found = held(plan(GAUSSIAN, config))
    assert len(set(found)) == len(found)
    assert set(found) == wanted(config)


@FEW
@given(asked())
def test_chains_of_a_job_are_of_one_shape_and_policy(config):
    planned = plan(GAUSSIAN, config)
    for job in planned:
        arms = {ARMS[chain.arm] for chain in job.chains}
        assert {(arm.policy, arm.source) for arm in arms} == {(job.policy, job.source)}
        assert len({(chain.arm, chain.lam) for chain in job.chains}) <= config.together
        assert {chain.seed != chain.start for chain in job.chains} == {job.coupled}
        assert job.synthetic == max(1, *(synthetic_count(chain.lam, job.n) for chain in job.chains))
        if job.policy != "augment":  # only there does a traced lambda say how many samples are trained on
            assert len({chain.lam for chain in job.chains}) == 1
    coupled = [job.coupled for job in planned]
    assert coupled == sorted(coupled)


@FEW
@given(asked())
def test_as_many_as_may_go_together_do(config):
    groups = {}
    for job in plan(GAUSSIAN, config):
        lam = None if job.policy == "augment" else job.chains[0].lam
        at = (job.n, job.axes, job.policy, job.source, job.coupled, lam)
        groups.setdefault(at, []).append(len({(chain.arm, chain.lam) for chain in job.chains}))
    for sizes in groups.values():
        assert len(sizes) == -(-sum(sizes) // config.together)


@FEW
@given(asked(), asked(), st.integers(0, 3))
def test_what_is_known_stays_as_it_is_when_more_is_asked_for(config, other, seeds):
    known = plan(GAUSSIAN, config)
    grown = {name: tuple(dict.fromkeys(getattr(config, name) + getattr(other, name)))
             for name in ("n", "lam", "gamma", "arms")}  # fmt: skip
    more = replace(config, **grown, seeds=config.seeds + seeds, together=other.together)
    planned = plan(GAUSSIAN, more, known)
    assert set(known) <= set(planned)
    found = held(planned)
    assert len(set(found)) == len(found)
    # What was known and is now to be skipped stays where it shares a job with what is wanted.
    assert wanted(more) <= set(found) <= wanted(more) | set(held(known))
    assert set(plan(GAUSSIAN, more, planned)) == set(planned)


@FEW
@given(asked())
def test_more_generations_extend_every_job_under_its_name(config):
    known = plan(GAUSSIAN, config)
    planned = plan(GAUSSIAN, replace(config, generations=12), known)
    assert {job.name for job in planned} == {job.name for job in known}
    grown = {replace(old, generations=min(config.coupled, 12) if old.coupled else 12) for old in known}
    assert set(planned) == grown


@FEW
@given(asked())
def test_what_is_not_asked_for_is_left_alone(config):
    known = plan(GAUSSIAN, config)
    less = replace(config, arms=config.arms[:1], lam=config.lam[:1], skip=(), together=1)
    planned = plan(GAUSSIAN, less, known)
    for job in planned:
        assert job in known or not set(held([job])) & set(held(known))
    assert wanted(less) <= set(held(planned))


@FEW
@given(asked())
def test_names_are_one_to_one_and_fit_a_file_system(config):
    names = [job.name for job in plan(GAUSSIAN, config)]
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_.+-]{1,200}", name)


def one_job(**changes):
    chains = tuple(Chain("idealised", 0.001 + i / 7, seed, seed) for i in range(60) for seed in range(2))
    return replace(Job(64, (("gamma", 1.0),), (("steps", 4),), "augment", "fixed", 10, False, chains, 5), **changes)  # noqa: FBT003


def test_long_names_differ_where_jobs_do_but_for_their_generations():
    job = one_job()
    others = [{"chains": job.chains[:-1]}, {"by_n": (("steps", 5),)}, {"policy": "replace"}, {"synthetic": 9}]
    assert len({one_job(**changes).name for changes in [{}, *others]}) == 5
    assert one_job(generations=6).name == job.name
    assert len(job.name) <= 150


def test_what_is_stored_is_found_again_and_done_as_far_as_it_went(tmp_path):
    planned = plan(GAUSSIAN, GaussianSettings(lam=(0.5, 1.0)))
    for job in planned:
        folder.store_job(tmp_path, job)
    assert sorted(folder.stored_jobs(tmp_path), key=str) == sorted(planned, key=str)
    job = planned[0]
    assert not folder.finished(tmp_path, job)
    (folder.job_folder(tmp_path, job) / "done").write_text(json.dumps({"generations": job.generations}))
    assert folder.finished(tmp_path, job)
    assert not folder.finished(tmp_path, replace(job, generations=job.generations + 1))


def test_a_folder_that_was_only_begun_holds_no_job(tmp_path):
    (tmp_path / "jobs" / "begun").mkdir(parents=True)
    assert folder.stored_jobs(tmp_path) == []
    assert folder.stored_jobs(tmp_path / "nowhere") == []


DAMAGED = [
    lambda whole: "",
    lambda whole: json.dumps(whole)[:-20],
    lambda whole: "[]",
    lambda whole: "{}",
    lambda whole: json.dumps(whole | {"chains": None}),
    lambda whole: json.dumps(whole | {"chains": [{"arm": "baseline"}]}),
    lambda whole: json.dumps({name: value for name, value in whole.items() if name != "policy"}),
]


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_description_is_named(tmp_path, damage):
    folder.store_job(tmp_path, one_job())
    (path,) = tmp_path.glob("jobs/*/job.json")
    path.write_text(damage(described(one_job())))
    with pytest.raises(DataError) as error:
        folder.stored_jobs(tmp_path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


# Runs that are asked for more


GROWING = {"arms": ("baseline", "uncorrected", "accumulate"), "lam": (0.5,), "together": 4}


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    return compute(small(tmp_path_factory.mktemp("begun") / "run", **GROWING))


def copied(begun, tmp_path):
    return shutil.copytree(begun, tmp_path / "run")


def test_a_finished_run_is_not_computed_again(begun):
    before = bytes_of(begun)
    compute(small(begun, **GROWING))
    assert bytes_of(begun) == before


MORE = [
    {"seeds": 3, "coupled": 2, "arms": ("uncorrected", "accumulate")},
    {"lam": (1.0,), "n": (6, 8), "arms": ("replace", "uncorrected")},
    {"gamma": (2.0, 1.0), "arms": ("idealised",)},
]


@pytest.mark.parametrize("changes", MORE)
def test_whatever_is_added_leaves_what_is_there_and_is_what_it_would_be_alone(begun, tmp_path, changes):
    out = copied(begun, tmp_path)
    compute(small(out, **GROWING | changes))
    before, after = bytes_of(begun), bytes_of(out)
    assert {name: after[name] for name in before} == before
    alone = compute(small(tmp_path / "alone", **GROWING | changes))
    grown, fresh = by_chain(out), by_chain(alone)
    assert grown.keys() == by_chain(begun).keys() | fresh.keys()
    assert fresh.keys() - by_chain(begun).keys()
    for at in fresh:
        assert grown[at].keys() == fresh[at].keys()
        for name in grown[at].keys() - {"arm"}:  # a job of other chains rounds otherwise
            assert grown[at][name] == pytest.approx(fresh[at][name], rel=1e-4, abs=1e-6)


def test_a_policy_is_its_own_arms_alone(begun, tmp_path):
    """Arms that run side by side, as many together as may, are each as if they had run by themselves."""
    for arm in GROWING["arms"]:
        own = points(compute(small(tmp_path / arm, **GROWING | {"arms": (arm,)})))
        for at, trace in own.items():
            for t in trace:
                np.testing.assert_allclose(points(begun)[at][t], trace[t], atol=1e-5)


@pytest.mark.parametrize("coupled_start", ["seed", "part"])
def test_where_a_coupled_chain_starts_does_not_depend_on_how_many_seeds_there_are(tmp_path, coupled_start):
    changes = {"arms": ("uncorrected",), "coupled": 1, "generations": 1, "coupled_start": coupled_start}
    few, many = (by_chain(compute(small(tmp_path / str(k), **changes, seeds=k))) for k in (2, 4))
    assert few.keys() < many.keys()
    two, four = points(tmp_path / "2"), points(tmp_path / "4")
    for at in two:
        np.testing.assert_allclose(two[at][0], four[at][0], atol=1e-5)


def test_a_coupled_chain_is_its_own_seeds_noise_about_another_seeds_start(tmp_path):
    """With fresh real data every seed has another generation 0; the fitted mean is all that models differ in."""
    found = points(compute(small(tmp_path / "run", arms=("fresh",), coupled=1, seeds=3, model="mean",
                                 coupled_start="seed", generations=1)))  # fmt: skip
    mean = {}
    for seed in range(3):
        own, other = (found["fresh", 1.0, seed, coupled] for coupled in (False, True))
        for t in (0, 1):
            np.testing.assert_allclose(other[t] - own[t], (other[t] - own[t])[:1].repeat(8, 0), atol=1e-6)
        mean[seed] = (other[0] - own[0])[0]
        np.testing.assert_allclose((other[1] - own[1])[0], mean[seed] / 2, atol=1e-6)  # lambda / (1 + lambda)
        assert np.abs(mean[seed]).max() > 0.05
    np.testing.assert_allclose(mean[0], -mean[1], atol=1e-6)  # 0 starts as 1, 1 as 0, and 2 as 1


def test_a_displaced_start_has_seen_a_quarter_of_the_real_samples(tmp_path):
    """Samples that are changed beyond the first quarter change a whole start, and not a displaced one."""

    def spoiled(config, n):
        data = GAUSSIAN.data(config, n)
        return data._replace(real=data.real._replace(x=data.real.x.at[n // 4 :].add(3.0)))

    changes = {"arms": ("uncorrected",), "coupled": 1, "generations": 1, "coupled_start": "part", "model": "mean"}
    domains = {"sound": GAUSSIAN, "spoiled": GAUSSIAN._replace(data=spoiled)}
    one, other = (points(compute(small(tmp_path / name, **changes), domain)) for name, domain in domains.items())
    for at in one:
        assert at[3] is np.array_equal(one[at][0], other[at][0])


def test_more_generations_give_what_a_longer_run_gives(tmp_path):
    """Bit for bit, past the tenth generation's checkpoint, though a memory grows."""
    changes = {"arms": ("uncorrected", "accumulate", "accumulate_subsample"), "coupled": 5,
               "coupled_start": "part"}  # fmt: skip
    for generations in (3, 12):
        grown = compute(small(tmp_path / "grown", **changes, generations=generations))
    same(grown, compute(small(tmp_path / "straight", **changes, generations=12)))


def test_less_is_never_taken_back(begun, tmp_path):
    out = copied(begun, tmp_path)
    with pytest.raises(ConfigError, match="generations is 3 there, 2 asked .it may only grow."):
        compute(small(out, **GROWING | {"generations": 2}))
    compute(small(out, **GROWING | {"arms": ("uncorrected",), "seeds": 1}))
    same_arrays(observations(out), observations(begun))
