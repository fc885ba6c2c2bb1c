"""Laws that a corrector can be held to, for tests of one's own: see docs/testing.md.

    from selfloop.testing import corrector_laws
    for law in corrector_laws(my_corrector):     # my_corrector(draw, gamma) -> correct(key, batch, state)
        law()

Populations are NumPy float64: Gaussian mixtures (`Mixture`) and laws on finitely many points, with their exact
distances (`selfloop.metrics.discrete`, here `distances`). Needs hypothesis, which the extra `test` installs.
"""

try:
    import hypothesis  # noqa: F401
except ImportError as _error:
    raise ImportError("selfloop.testing needs hypothesis: pip install 'selfloop[test]'") from _error

from selfloop.metrics import discrete as distances
from selfloop.testing.mixture import Mixture, combined, corrected, draw_from, geodesic_law
from selfloop.testing.properties import corrector_laws, geodesic_laws, protocol_laws
from selfloop.testing.strategies import Case, Points, batches, cases, dimensions, directions, gammas, mixtures, points

__all__ = [
    "Case",
    "Mixture",
    "Points",
    "batches",
    "cases",
    "combined",
    "corrected",
    "corrector_laws",
    "dimensions",
    "directions",
    "distances",
    "draw_from",
    "gammas",
    "geodesic_law",
    "geodesic_laws",
    "mixtures",
    "points",
    "protocol_laws",
]
