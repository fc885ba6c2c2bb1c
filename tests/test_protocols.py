"""Correctors are held to what they must return; the identity returns it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop import gaussian, policies, scan, sources
from selfloop.batch import uniform
from selfloop.contracts import corrected
from selfloop.errors import ConfigError
from selfloop.protocols import Loop, identity

N = 50
X = jax.random.normal(jax.random.key(7), (N, 2))
MOVED, NONE = jnp.zeros(N), jnp.zeros(N, bool)

WRONG = {
    "the batch alone": lambda key, batch, state: batch,
    "nothing": lambda key, batch, state: None,
    "an array for a batch": lambda key, batch, state: (batch.x, {"moved": MOVED, "failed": NONE}),
    "no info": lambda key, batch, state: (batch, None),
    "an empty info": lambda key, batch, state: (batch, {}),
    "no failed": lambda key, batch, state: (batch, {"moved": MOVED}),
    "no moved": lambda key, batch, state: (batch, {"failed": NONE}),
    "failed [N, 1]": lambda key, batch, state: (batch, {"moved": MOVED, "failed": NONE[:, None]}),
    "failed as numbers": lambda key, batch, state: (batch, {"moved": MOVED, "failed": MOVED}),
    "moved as one number": lambda key, batch, state: (batch, {"moved": 0.0, "failed": NONE}),
    "fewer samples": lambda key, batch, state: (uniform(batch.x[:9]), {"moved": MOVED, "failed": NONE}),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_corrector_that_returns_something_else_is_told_what_to_return(name):
    with pytest.raises(ConfigError, match="a corrector returns"):
        corrected(WRONG[name], jax.random.key(0), uniform(X), None)


def test_the_loop_tells_it_under_a_trace():
    loop = Loop(gaussian(2), policies.augment(1.0), sources.fixed(uniform(X)), N, WRONG["failed as numbers"])
    with pytest.raises(ConfigError, match=r"failed: float32\[50\].*bool \[50\]"):
        scan(loop, jax.random.key(0), 1, lambda key, result: result.state.mean)


def test_the_identity_returns_what_it_is_given_but_for_what_is_not_finite():
    batch = uniform(X.at[3, 1].set(jnp.nan), jnp.arange(N))
    same, info = corrected(identity, jax.random.key(0), batch, None)
    np.testing.assert_array_equal(info["failed"], np.arange(N) == 3)
    np.testing.assert_array_equal(same.weight, np.arange(N) != 3)
    np.testing.assert_array_equal(same.x, X.at[3, 1].set(0))
    np.testing.assert_array_equal(info["moved"], 0)
