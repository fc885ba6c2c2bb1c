"""A domain that does not fit together is refused in one line, before anything is computed."""

from dataclasses import replace

import jax.numpy as jnp
import pytest

from selfloop import experiment
from selfloop.batch import uniform
from selfloop.domains.gaussian.domain import ARMS, GAUSSIAN, data, smoke
from selfloop.engine.domain import Arm, Measure, Observation
from selfloop.errors import ConfigError
from selfloop.models.gaussian import gaussian


def seen(**found):
    """A domain that observes this."""
    return GAUSSIAN._replace(observe=lambda settings, data: lambda batch: Observation(**found_of(found, batch)))


def found_of(found, batch):
    return {"spaces": {"points": batch.x}, "values": {}} | {name: make(batch) for name, make in found.items()}


def given(**changes):
    """A domain with such data."""
    return GAUSSIAN._replace(data=lambda settings, n: data(settings, n)._replace(**changes))


def armed(arm):
    return GAUSSIAN._replace(arms=ARMS | {"mine": arm})


FEW = uniform(jnp.zeros((3, 2)))
MISTAKES = {
    "corrector": (armed(Arm("lfit")), "arm mine: no corrector is called 'lfit'; choose one of identity, idealised"),
    "policy": (armed(Arm(policy="keep")), "arm mine: no policy is called 'keep'; choose one of augment, replace"),
    "source": (armed(Arm(source="new")), "arm mine: no source is called 'new'; choose one of fixed, fresh"),
    "axis": (GAUSSIAN._replace(axes=("dose",)), "no axis is called 'dose'; choose one of preset"),
    "kind": (GAUSSIAN._replace(measures=(Measure("a", "", "mean"),)), "measure a: no kind is called 'mean'"),
    "better": (GAUSSIAN._replace(measures=(Measure("a", better="up"),)), "measure a: no better is called 'up'"),
    "measured nowhere": (
        GAUSSIAN._replace(measures=(Measure("secnd_moment"),)),
        "the measure secnd_moment is nothing that is observed (values: second_moment) or computed; do you mean second_",
    ),
    "a corrector that fails": (
        GAUSSIAN._replace(correctors=GAUSSIAN.correctors | {"idealised": lambda settings, data: lambda k, b, s: b}),
        "arm idealised: the corrector <lambda> returned Batch; a corrector returns (Batch, info)",
    ),
    "a model of arrays": (
        GAUSSIAN._replace(
            model=lambda settings, data: gaussian(2)._replace(sample=lambda k, s, c, n: jnp.ones((n, 2)))
        ),
        "arm baseline: the model's sample returned float32[20, 2]; it returns a Batch",
    ),
    "no data": (GAUSSIAN._replace(data=lambda settings, n: [n]), "data returned list; it returns a Data"),
    "array": (given(pool=jnp.zeros((9, 2))), "Data.pool is float32[9, 2]; give a Batch"),
    "few": (given(reference=FEW), "Data.reference holds 3 samples; give 4 or more"),
    "n": (given(real=FEW), "Data.real holds 3 samples; give 20, as --n says"),
    "model": (GAUSSIAN._replace(model=lambda settings, data: 3), "model returned int; it returns a Model"),
    "observation": (
        GAUSSIAN._replace(observe=lambda settings, data: lambda batch: {"points": batch.x}),
        "observe returned {points: float32[512, 2]}; it returns an Observation",
    ),
    "no space": (seen(spaces=lambda batch: {"x": batch.x}), "observed spaces are x; one of Domain.spaces (points)"),
    "flat": (
        seen(spaces=lambda batch: {"points": batch.x[:, 0]}),
        "the space points is float32[512]; give float [512, F]",
    ),
    "whole": (
        seen(spaces=lambda batch: {"points": batch.x.astype(jnp.int32)}),
        "the space points is int32[512, 2]; give float [512, F]",
    ),
    "mean": (seen(values=lambda batch: {"m": batch.x.mean()}), "the value m is float32[]; give float [512], a number"),
    "table": (seen(values=lambda batch: {"m": batch.x}), "the value m is float32[512, 2]; give float [512], a number"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_domain_is_one_line_and_nothing_is_begun(tmp_path, mistake):
    domain, told = MISTAKES[mistake]
    with pytest.raises(ConfigError) as raised:
        experiment.run(domain, replace(smoke(), out=tmp_path / "run"))
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"lam": 1.0}, "--lam is 1.0; give a tuple"),
        ({"gamma": 2.0}, "--gamma is 2.0; give a tuple"),
        ({"gamma": ("a",)}, "--gamma is a; give a number, 0 or more"),
    ],
)
def test_settings_that_are_swept_are_tuples_of_numbers(tmp_path, changes, told):
    with pytest.raises(ConfigError, match=told):
        experiment.run(GAUSSIAN, replace(smoke(), out=tmp_path / "run", **changes))
