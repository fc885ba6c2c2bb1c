"""One compiled program for one call: quicker than compiling each of a corrector's small operations by itself."""

import jax


def once(corrector, seed, batch, state=None):
    return jax.jit(lambda key, batch: corrector(key, batch, state))(jax.random.key(seed), batch)
