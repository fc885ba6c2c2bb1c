"""Weak data: labels of which a small share is right, verified, teach everything in the end.

Every round a question is answered once by the model (from what it was taught last) and labelled once from outside,
right with probability beta, independently in every round. A verifier keeps right answers with probability phi and wrong
ones with psi; the question is taught what is kept, or left as it is where nothing is. Where psi = 0 a question once
right stays right, and one that is wrong is taught with probability beta phi: the error after t rounds is

    (1 - beta phi)^t,    below eps after log(1 / eps) / (beta phi) rounds

however small beta is, while beta = 0 teaches nothing. Source: "Escaping Collapse: The Strength of Weak Data", arXiv
2502.08924 (O(log(1 / eps) / beta) rounds), as recalled; not re-read; derived here, with a verifier that errs.
"""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.stability.precision import Number, floats


def weak_rounds(beta: Number, eps: Number, phi: Number = 1.0) -> Array:
    """The rounds after which a verifier without false positives leaves an error of eps or less; inf for beta = 0.

    ceil(log eps / log(1 - beta phi)), below log(1 / eps) / (beta phi) + 1
    """
    beta, eps, phi = floats(beta, eps, phi)
    return jnp.ceil(jnp.log(eps) / jnp.log1p(-beta * phi) * (1 - 1e-12))


def weak_accuracy(beta: Number, phi: Number, psi: Number, rounds: int) -> Array:
    """The expected share of right answers [T + 1] after 0 .. T rounds, from none, by an exact chain of three states.

    A question's model is wrong, undecided (both labels were kept: right with probability 1/2) or right. With psi = 0
    entry t is 1 - (1 - beta phi)^t.
    """
    beta, phi, psi = floats(beta, phi, psi)
    right = jnp.array([0.0, 0.5, 1.0], beta.dtype)

    def kept(p: Array) -> tuple[Array, Array, Array]:
        return p * phi, (1 - p) * psi, 1 - p * phi - (1 - p) * psi

    (own_right, own_wrong, own_none), (right_out, wrong_out, none_out) = kept(right), kept(beta)
    to_right = own_right * right_out + own_right * none_out + own_none * right_out
    to_wrong = own_wrong * wrong_out + own_wrong * none_out + own_none * wrong_out
    to_half = own_right * wrong_out + own_wrong * right_out
    step = jnp.stack([to_wrong, to_half, to_right], 1) + jnp.diag(own_none * none_out)
    start = jnp.array([1.0, 0.0, 0.0], beta.dtype)
    return jax.lax.scan(lambda law, _: (law @ step, law @ right), start, length=rounds + 1)[1]
