"""Correctors by optimal transport: the redraw with matching, and the geodesic toward the target.

Letters: N samples, d dimensions, tau = 1 / (1 + gamma).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback, select
from selfloop.correctors.strength import report, share_kept, strength
from selfloop.models.states import GaussianState
from selfloop.protocols import Corrector


def redraw(draw: Callable[[Array, int], Any], gamma: ArrayLike) -> Corrector:
    """N fresh points of the mixture tau p^ + (1 - tau) p*, matched to the samples so that the total move is least.

    p^ is the empirical law of the samples and ``draw(key, N)`` draws from p*. The matching (least sum of squared
    distances) only says which point a sample became: as a set it is the redraw alone. Drawing from p^ and not from p
    adds a resampling variance, and gamma = 0 is the identity in expectation only; gamma = inf is N points of p*.
    Present samples end with weight 1. The matching runs on the host, in O(N^3) where d > 1. Source: the toy example of
    Gillman et al. (2024) as its text describes it. Raises ConfigError for gamma < 0.
    """
    strength(gamma)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        key_choice, key_pick, key_draw = jax.random.split(key, 3)
        n, dtype = batch.capacity, batch.weight.dtype
        kept = jax.random.uniform(key_choice, (n,), dtype) < share_kept(gamma, dtype)
        picked = jax.random.choice(key_pick, n, (n,), p=batch.weight / jnp.sum(batch.weight))
        pool = select(kept, jax.tree.map(lambda leaf: leaf[picked], batch.x), draw(key_draw, n))
        index = matching(flat(batch.x, dtype), flat(pool, dtype), batch.weight > 0)
        x = jax.tree.map(lambda leaf: leaf[index], pool)
        return batch._replace(x=x, weight=jnp.sign(batch.weight)), report(batch, x)

    return correct


def geodesic_empirical(draw: Callable[[Array, int], Array], gamma: ArrayLike) -> Corrector:
    """Each sample goes the share 1 - tau of the straight way to its partner among N draws of p*.

        x_i -> tau x_i + (1 - tau) y_match(i),    the match minimising sum_i |x_i - y_match(i)|^2,

    a point of the W2 geodesic between the two samples: the empirical W2 to the N draws is tau times what it was.
    Samples [N, d] count once each, whatever their weight. gamma = 0 is the identity to the bit, gamma = inf the draws.
    Raises ConfigError for gamma < 0.
    """
    strength(gamma)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        target, dtype = draw(key, batch.capacity), batch.weight.dtype
        index = matching(flat(batch.x, dtype), flat(target, dtype), batch.weight > 0)
        tau = share_kept(gamma, batch.x.dtype)
        x = select((tau < 1) & (batch.weight > 0), tau * batch.x + (1 - tau) * target[index], batch.x)
        return batch._replace(x=x), report(batch, x)

    return correct


def geodesic(
    target: GaussianState, gamma: ArrayLike, law: Callable[[Any], GaussianState] = lambda state: state
) -> Corrector:
    """The Gaussian OT geodesic: x -> tau x + (1 - tau) T(x), T the optimal map from the model's law to the target.

        T(x) = mu* + S (x - mu),    S = R (R Sigma R)^(-1/2) R,    R = Sigma*^(1/2)

    Deterministic and pointwise. N(mu, Sigma) becomes N(tau mu + (1 - tau) mu*, M Sigma M), M = tau I + (1 - tau) S,
    which is not the mixture law of `replacement`; its W2 to the target is exactly tau times what it was.
    ``law(state)`` is the model's Gaussian, by default the state itself. gamma = 0 is the identity to the bit,
    gamma = inf samples of the target. Raises ConfigError for gamma < 0.
    """
    strength(gamma)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        fitted = law(state)
        root, _ = roots(target.covariance)
        stretch = root @ roots(root @ fitted.covariance @ root)[1] @ root
        tau = share_kept(gamma, batch.x.dtype)
        mapped = target.mean[None] + (batch.x - fitted.mean[None]) @ stretch
        x = select((tau < 1) & (batch.weight > 0), tau * batch.x + (1 - tau) * mapped, batch.x)
        return batch._replace(x=x), report(batch, x)

    return correct


def matching(x: Array, y: Array, present: Array) -> Array:
    """The permutation [N] for which sum_i |x_i - y_index(i)|^2 is least among present rows of x, y [N, d].

    Row i of y belongs to row i of x: those of absent rows are matched to themselves. On the line it is the order of
    the sorted (and stays on the device); in more dimensions the Hungarian method, on the host, chain by chain.
    """
    if x.shape[1] == 1:
        rank = lambda column: jnp.argsort(jnp.where(present, column, jnp.inf))  # noqa: E731
        start, end = rank(x[:, 0]), rank(y[:, 0])
        return jnp.zeros_like(start).at[start].set(end)
    shape = jax.ShapeDtypeStruct((x.shape[0],), jnp.int32)
    return jax.pure_callback(_hungarian, shape, x, y, present, vmap_method="sequential")


def _hungarian(x: Array, y: Array, present: Array) -> np.ndarray:
    from scipy.optimize import linear_sum_assignment  # 0.8 s of import, for this function alone
    from scipy.spatial.distance import cdist

    here = np.flatnonzero(np.asarray(present))
    index = np.arange(len(x), dtype=np.int32)
    if here.size:
        cost = cdist(np.asarray(x, np.float64)[here], np.asarray(y, np.float64)[here], "sqeuclidean")
        index[here] = here[linear_sum_assignment(cost)[1]]
    return index


@jax.jit
def roots(matrix: Array) -> tuple[Array, Array]:
    """The square root and its inverse, symmetric [d, d], of a positive definite matrix; matrix products only.

    Newton and Schulz's coupled iteration: Y -> Y (3 - Z Y) / 2, Z -> (3 - Z Y) Z / 2 from Y = A / |A|, Z = I. Small
    eigenvalues grow by 9/4 a step, so the number of steps follows from the precision; those below it get a large
    finite inverse. LAPACK-free because batched LAPACK calls can dead-lock (see `models.linalg`).
    """
    eye = jnp.eye(matrix.shape[0], dtype=matrix.dtype)
    size = jnp.sqrt(jnp.sum(matrix**2))
    size = jnp.where(size > 0, size, 1)
    steps = int(np.ceil(-np.log(jnp.finfo(matrix.dtype).eps) / np.log(9 / 4))) + 6

    def step(_: int, pair: tuple[Array, Array]) -> tuple[Array, Array]:
        y, z = pair
        turn = (3 * eye - z @ y) / 2
        return y @ turn, turn @ z

    y, z = jax.lax.fori_loop(0, steps, step, (matrix / size, eye))
    return y * jnp.sqrt(size), z / jnp.sqrt(size)


def flat(x: Any, dtype: jnp.dtype) -> Array:
    """Samples as rows [N, d]: all leaves of a pytree side by side."""
    return jnp.concatenate([leaf.reshape(leaf.shape[0], -1).astype(dtype) for leaf in jax.tree.leaves(x)], 1)
