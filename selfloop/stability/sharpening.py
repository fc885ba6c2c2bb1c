"""Sharpening: loops whose samples are drawn at a temperature, or under classifier-free guidance.

**Guidance.** Conditions c with means b-variance apart: x | c ~ N(mu_c, v), mu_c ~ N(0, b), so x ~ N(0, v + b). Guidance
of scale w (1: none) draws from p(x | c)^w p(x)^(1 - w), again a normal law, with q = v / (v + b):

    v' = v / (w - (w - 1) q),    mu_c' = A mu_c,    A = w / (w - (w - 1) q)

Inside a condition samples narrow by up to w, and conditions move apart: b / v grows by a factor of at least
w^2 / (w - (w - 1) q), up to w. What a diffusion sampler does with the guided score at every noise level is not that
law: the probability flow gives v' = v q^(w - 1) (`guided_flow`), equal to first order where conditions say little
(q -> 1), and far narrower where they say much.

**Temperature.** p^(1 / T) of a discrete law: log odds are divided by T each generation (`tempered`), so that a loop
without real data ends in its most likely symbols (T < 1) or in all alike (T > 1).

Sources: the heat death of Marchi et al., CDC 2024 (arXiv 2404.02325); guidance scale as the driver in chains of
diffusion finetuning, Yoon et al. (arXiv 2407.17493); both as recalled; not re-read. The formulas are derived here.
Letters: T generations (temperature where said).
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.stability.precision import Number, floats


def guided(v: Number, b: Number, w: Number) -> tuple[Array, Array]:
    """(v', A): variance inside a condition, and the factor on the conditions' means, under guidance w >= 1.

    v above 0; b = 0 leaves the law as it is.
    """
    v, b, w = floats(v, b, w)
    weight = w - (w - 1) * v / (v + b)
    return v / weight, w / weight


def guided_flow(v: Number, b: Number, w: Number) -> tuple[Array, Array]:
    """(v', A) that the probability flow reaches with guided scores at all noise levels, as samplers nearly do.

        v' = v q^(w - 1),    A = w int_0^1 (q + (1 - q) z^2)^((w - 1) / 2) dz

    (A is 1 + 2 q for w = 3.) Where x has variance 1 the noise of an Ornstein-Uhlenbeck process leaves it so, and x |
    c has variance k = 1 - (1 - q) y^2 at signal y = exp(-s): d log delta / ds = -w (k - 1) / k for deviations from
    the mean, which come to q^(w / 2); A by variation of constants, with 64 Gauss-Legendre nodes.
    """
    v, b, w = floats(v, b, w)
    q = v / (v + b)
    nodes, weights = np.polynomial.legendre.leggauss(64)
    z = jnp.asarray((nodes + 1) / 2, v.dtype)
    return v * q ** (w - 1), w * (jnp.asarray(weights / 2, v.dtype) @ (q + (1 - q) * z**2) ** ((w - 1) / 2))


@partial(jax.jit, static_argnames=("generations", "law"))
def guidance_path(
    b: Number, w: Number, lam: Number, generations: int, law: Callable[..., tuple[Array, Array]] = guided
) -> tuple[Array, Array]:
    """(v_t, g_t) [T + 1]: the fitted variance inside conditions and the factor on their means, v_0 = g_0 = 1.

    Infinitely many samples; real data (variance 1 inside, b between) and lambda guided samples per real one, to all of
    which means and pooled variance are fitted; lambda = inf: guided ones alone. With s = lambda / (1 + lambda) and
    (v', A) of ``law`` (`guided` or `guided_flow`) at (v, b g^2):

        v <- 1 - s + s v' + s (1 - s) b (A g - 1)^2,    g <- 1 - s + s A g
    """
    b, w, lam = floats(b, w, lam)
    s = 1 / (1 + 1 / lam)

    def step(now: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        v, g = now
        narrow, apart = law(v, b * g**2, w)
        after = (1 - s + s * narrow + s * (1 - s) * b * (apart * g - 1) ** 2, 1 - s + s * apart * g)
        return after, now

    start = (jnp.ones_like(b), jnp.ones_like(b))
    return jax.lax.scan(step, start, length=generations + 1)[1]


def tempered(probs: Array, temperature: Number, generations: Number) -> Array:
    """``p_0^(T^-t)``, normalised, [K]: t generations at temperature T without real data and sampling error."""
    (temperature,) = floats(temperature)
    return jax.nn.softmax(jnp.log(probs) * temperature ** -floats(generations)[0])


def scaled_variance(c: Number, lam: Number, generations: int) -> Array:
    """E v_t [T + 1] of a scale fitted to n real points and lambda n samples of c times the variance: v <- (1 + lambda c
    v) / (1 + lambda), v_0 = 1.

    Exact for any n where the fit has no bias. It settles at 1 / (1 - lambda (c - 1)) where (c - 1) lambda < 1, and
    explodes otherwise: c is temperature for a normal law, and real data above a share 1 - 1 / c hold it.
    """
    c, lam = floats(c, lam)
    s = 1 / (1 + 1 / lam)
    return jax.lax.scan(lambda v, _: (1 - s + s * c * v, v), jnp.ones_like(c), length=generations + 1)[1]


def guided_pair(mu: Number, v: Number, w: Number) -> tuple[Array, Array]:
    """(mu', v') of x ~ N(mu, v)^w p(x)^(1 - w) where p is the equal mixture of N(mu, v) and N(-mu, v).

    That is N(mu, v) times sigmoid(2 mu x / v)^(w - 1), by a quadrature of 401 nodes over 10 standard deviations. Two
    conditions that overlap move apart and narrow; two far apart are told apart already, and guidance leaves them alone.
    """
    mu, v, w = floats(mu, v, w)
    z = jnp.linspace(-10, 10, 401, dtype=v.dtype)
    x = mu + jnp.sqrt(v) * z
    law = jax.nn.softmax(-(z**2) / 2 + (w - 1) * jax.nn.log_sigmoid(2 * mu * x / v))
    centre = law @ x
    return centre, law @ (x - centre) ** 2
