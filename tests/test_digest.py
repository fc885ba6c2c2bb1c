"""A digest names data and code: anything that differs has another one, the same has the same."""

import jax.numpy as jnp
import numpy as np

from selfloop.digest import digest


def test_the_same_has_the_same_digest_and_anything_else_another(tmp_path):
    x = np.arange(6, dtype=np.float32)
    code = tmp_path / "code.py"
    code.write_text("1")
    parts = [x, -x, x.reshape(2, 3), x.view(np.int32), (x, None), (x, "a"), (x, "b"), ("ab", "c"), ("a", "bc"), (None,)]
    found = [digest(part) for part in parts] + [digest(x, [code])]
    assert len(set(found)) == len(found)
    assert digest(jnp.asarray(x)) == found[0] == digest({"any": x})
    code.write_text("2")
    assert digest(x, [code]) != found[-1]
    assert digest(x, length=24)[:16] == found[0]
    assert len(digest(x, length=24)) == 24
