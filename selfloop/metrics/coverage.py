"""Do generated samples lie where real ones do, and everywhere they do? Answers by nearest neighbours.

The real samples y [M, F] and the generated x [N, F] each stand for the union of balls about their points, with the
distance to the k-th nearest neighbour among their own as radius. Weight 0 is absence.
Sources: precision and recall, Kynkaanniemi et al., NeurIPS 2019; density and coverage, Naeem et al., ICML 2020.
Where the points that a model was fitted to are known, they are its modes, and hits of each can be counted.
"""

import jax.numpy as jnp
from jax import Array

from selfloop.metrics.distances import distances, filled


def neighbour_radii(x: Array, weight: Array | None = None, k: int = 3, group: Array | None = None) -> Array:
    """Distance [N] from each sample to its k-th nearest other present sample; infinite where fewer than k are.

    Given groups [N], only samples of other groups are neighbours: pieces of one recording lie much closer to one
    another than draws of one law do, and balls of that size cover nothing.
    """
    x, weight = filled(x, weight)
    group = jnp.arange(x.shape[0]) if group is None else group
    gone = (weight <= 0)[None] | (group[:, None] == group[None])
    between = jnp.where(gone, jnp.inf, distances(x, x))
    for _ in range(k - 1):  # for small k some 15 times faster than top_k on a CPU
        nearest = between.argmin(1)[:, None] == jnp.arange(x.shape[0])[None]
        between = jnp.where(nearest, jnp.inf, between)
    return between.min(1)


def prdc(
    x: Array,
    y: Array,
    x_weight: Array | None = None,
    y_weight: Array | None = None,
    y_group: Array | None = None,
    k: int = 3,
) -> dict[str, Array]:
    """Scalars ``precision``, ``recall``, ``density``, ``coverage`` of generated x [N, F] against real y [M, F].

    precision: share of generated samples inside a real ball. recall: share of real samples inside a generated ball.
    density: real balls over a generated sample, divided by k (1 is expected for equal laws, more for samples crowded
    where real ones are dense). coverage: share of real balls that hold a generated sample. All but precision and
    density depend on N: compare equal counts. ``y_group`` [M] names the recording of each real sample, where several
    are pieces of one; density then counts balls by recordings' mean size.
    """
    x, x_weight = filled(x, x_weight)
    y, y_weight = filled(y, y_weight)
    x_share, y_share = x_weight / x_weight.sum(), y_weight / y_weight.sum()
    x_here, y_here = (x_weight > 0)[:, None], (y_weight > 0)[None]
    between = distances(x, y)
    in_real = (between <= neighbour_radii(y, y_weight, k, y_group)[None]) & y_here
    in_generated = (between <= neighbour_radii(x, x_weight, k)[:, None]) & x_here
    balls = jnp.where(in_real, (y_share * (y_weight > 0).sum().astype(y.dtype))[None], 0).sum(1)
    return {
        "precision": jnp.where(in_real.any(1), x_share, 0).sum(),
        "recall": jnp.where(in_generated.any(0), y_share, 0).sum(),
        "density": (x_share * balls).sum() / k,
        "coverage": jnp.where((in_real & x_here).any(0), y_share, 0).sum(),
    }


def modes_covered(
    x: Array, modes: Array, x_weight: Array | None = None, modes_weight: Array | None = None
) -> dict[str, Array]:
    """Scalars ``modes_hit`` and ``modes_effective``, of samples x [N, F] each given to its nearest of modes [M, F].

    modes_hit: share of the modes that got a sample. modes_effective: ``exp(H) / M`` with H the entropy (nats) of the
    shares of samples that the modes got, 1 where all got the same. Both are below 1 for N samples of an even law too,
    ``modes_hit`` being ``1 - (1 - 1 / M)^N`` on average: compare equal N and M. Weight 0 is absence; other weights of
    modes count as presence.
    """
    x, x_weight = filled(x, x_weight)
    modes, modes_weight = filled(modes, modes_weight)
    here = modes_weight > 0
    nearest = jnp.where(here[None], distances(x, modes), jnp.inf).argmin(1)
    share = jnp.zeros_like(modes, shape=modes.shape[:1]).at[nearest].add(x_weight / x_weight.sum())
    hit = share > 0
    entropy = -jnp.where(hit, share * jnp.log(jnp.where(hit, share, 1)), 0).sum()
    count = here.sum().astype(modes.dtype)
    return {"modes_hit": hit.sum().astype(modes.dtype) / count, "modes_effective": jnp.exp(entropy) / count}
