"""In chunks: the same as at once, by calls of one size."""

import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.chunks import in_chunks


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 11])
def test_results_are_those_of_one_call_and_every_call_has_one_size(count):
    sizes = []

    def both(x, y):
        sizes.append((len(x), len(y)))
        return x + y[:, None], {"product": x[:, 0] * y}

    x, y = jnp.arange(2.0 * count).reshape(count, 2), np.arange(count, dtype=np.float32)
    total, found = in_chunks(both, 4, x, y)
    np.testing.assert_array_equal(total, x + y[:, None])
    np.testing.assert_array_equal(found["product"], x[:, 0] * y)
    assert sizes == [(4, 4)] * -(-count // 4)
