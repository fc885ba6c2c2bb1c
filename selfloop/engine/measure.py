"""The measures of what a grid has left: every lane and generation, from the points that were kept of its samples.

They come after the run, so that a new measure needs no new run. Shapes: L lanes, N samples a lane.
"""

import functools
import hashlib
import itertools
import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import metrics
from selfloop.domains.motion import artefacts, measures
from selfloop.domains.motion.floors import DRAWS
from selfloop.domains.motion.grid import scoring
from selfloop.domains.motion.measures import Described, Reference
from selfloop.engine.folder import main
from selfloop.engine.scores import Ground, Origin, Row, Samples
from selfloop.errors import DataError
from selfloop.metrics import moments
from selfloop.runs import record

FILE = "measures.jsonl"
SPACES = ("features", "kinetic", "geometric")

Arrays = dict[str, np.ndarray]


def measured(out: Path) -> list[Row]:
    """`measure_block` of every finished block of the grid in ``out``, with the block's name.

    Kept in ``measures.jsonl`` in the block's folder; measured again where the code that measures has changed since.

    Raises:
        DataError: a file of the grid that is absent or cannot be read.
    """
    return [row for done in sorted((out / "blocks").glob("*/done")) for row in _kept(done.parent)]


def _kept(folder: Path) -> list[Row]:
    head, path = {"code": _digest()}, folder / FILE
    if record.read(path)[:1] != [head]:
        record.rewrite(path, [head, *({"block": folder.name} | row for row in measure_block(folder))])
    return record.read(path)[1:]


@functools.cache
def _digest() -> str:
    """A hash of the code that measures."""
    files = (__file__, scoring.__file__, measures.__file__, *sorted(Path(metrics.__file__).parent.glob("*.py")))
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()[:16]


def measure_block(folder: Path) -> list[Row]:
    """Every row of a block's ``rows.jsonl``, in the order of generations and lanes, with its measures.

    Among features (of kinetic features, and by that name, where the grid has no encoder): ``fid_features`` to the
    reference and its two parts, of the ``_mean`` and of the ``_covariance``; ``fid_infinity_features`` and
    ``kid_features``, which have no bias of the first order in 1/N; ``drift_mean`` and ``drift_covariance``, the parts
    of the Frechet distance to the lane's own generation 0; ``precision``, ``recall``, ``density``, ``coverage``;
    ``diversity_``, ``multimodality_``, ``within_`` and ``between_features``; ``modes_hit`` and ``modes_effective`` of
    the lane's n real windows. Also ``fid_`` and ``diversity_`` of the other spaces, ``label_accuracy``, and the means
    of artefacts. ``absent`` counts samples that were not finite and have no part. What was also observed after
    correction has the measures `scoring.CORRECTED` a second time, named ``corrected_*``, of those that did not fail.

    What is not a finite number is left out, and so is everything of lanes that stopped, from that generation on.

    Raises:
        DataError: a file of the grid that is absent or cannot be read.
    """
    out, n = folder.parents[1], record.read_json(folder / "block.json")["n"]
    ground, label = _ground(out, n), _load(out / f"conditions_{n}.npz")["label"]
    rows = sorted(record.read(folder / "rows.jsonl"), key=lambda row: (row["generation"], row["lane"]))
    origin, stopped, found = None, set(), []
    for generation, group in itertools.groupby(rows, lambda row: row["generation"]):
        arrays = _load(folder / "observations" / f"generation_{generation:04d}.npz")
        samples = _samples(arrays, label)
        origin = _origin(samples) if origin is None else origin
        values = scoring.score(ground, samples, origin, int(label.max()) + 1)
        if "corrected_kinetic" in arrays:
            fixed = scoring.score_corrected(ground, _samples(arrays, label, "corrected_"))
            values = [one | other for one, other in zip(values, fixed, strict=True)]
        for row in group:
            stopped |= {row["lane"]} if "stopped" in row else set()
            found.append(row if row["lane"] in stopped else row | values[row["lane"]])
    return found


def floor_rows(out: Path) -> dict[str, Row]:
    """What real windows of the loop's clips score when they are measured as samples are, for each n (as text).

    Each line holds ``samples``, the number N of windows measured, which is that of a generation's evaluation samples
    where there are as many; the mean of every measure over `floors.DRAWS` random draws; and their standard deviation in
    ``spread``. Drift is from other real windows here. A grid without an encoder has no other clips to hold windows
    against: there it is one half of them against the other.

    Raises:
        DataError: a file of the grid that is absent or cannot be read.
    """
    pool, found = _load(out / "pool.npz"), {}
    middle = len(pool["label"]) // (1 if "features" in pool else 2)
    for path in sorted(out.glob("conditions_*.npz")):
        n = path.stem.removeprefix("conditions_")
        ground, count = _ground(out, int(n)), min(len(_load(path)["label"]), middle)
        orders = [np.random.default_rng(draw).permutation(len(pool["label"])) for draw in range(DRAWS)]
        found[n] = {"samples": count} | _line([_floor(ground, pool, order, count, order[middle:]) for order in orders])
    return found


def _floor(ground: Ground, pool: Arrays, order: np.ndarray, count: int, rest: np.ndarray) -> Row:
    """The first ``count`` windows in this order against the reference, or against the ``rest`` if there is any."""
    if len(rest):
        ground = ground._replace(reference=_reference({name: values[rest] for name, values in pool.items()}))
    one, other = (_drawn(pool, rows) for rows in (order[:count], order[-count:]))
    return scoring.score(ground, one, _origin(other), int(pool["label"].max()) + 1)[0]


def _drawn(pool: Arrays, rows: np.ndarray) -> Samples:
    """Real windows as the samples of one lane."""
    return _samples({name: values[None, rows] for name, values in pool.items()}, pool["label"][rows])


def _line(rows: list[Row]) -> Row:
    table = {name: np.array([row[name] for row in rows]) for name in rows[0] if all(name in row for row in rows)}
    means = {name: float(values.mean()) for name, values in table.items()}
    return means | {"spread": {name: float(values.std(ddof=1)) for name, values in table.items()}}


def _load(path: Path) -> Arrays:
    try:
        with np.load(path) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read ({error}); restore it, or run the grid in another folder") from error


def _ground(out: Path, n: int) -> Ground:
    modes = _points(_load(out / f"real_{n}.npz"))
    return Ground(_reference(_load(out / "reference.npz")), jnp.asarray(modes[main(modes)]))


_moments = jax.jit(moments)


def _reference(arrays: Arrays) -> Reference:
    """The reference for `measures.summarise`; it describes nothing here, and so needs no evaluator and no scales."""
    points = {space: jnp.asarray(values) for space, values in _points(arrays).items()}
    fitted = {space: _moments(values) for space, values in points.items()}
    clip = jnp.asarray(arrays["clip"]) if "features" in points else None
    return Reference(None, jnp.zeros(0, jnp.int32), {}, points, fitted, clip)


def _points(arrays: Arrays, prefix: str = "") -> Arrays:
    return {space: arrays[prefix + space] for space in SPACES if prefix + space in arrays}


def _samples(arrays: Arrays, label: np.ndarray, prefix: str = "") -> Samples:
    """The samples of all lanes in one generation, of labels [N]; those that failed or are not finite have weight 0."""
    points = _points(arrays, prefix)
    here = np.all([np.isfinite(values).all(-1) for values in points.values()], 0)
    here &= ~arrays.get(prefix + "failed", np.zeros(here.shape, bool)).astype(bool)
    artefacts = dict(zip(artefacts.NAMES, np.moveaxis(arrays[prefix + "artefacts"], -1, 0), strict=True))
    described = Described(points, arrays[prefix + "right"], artefacts)
    return Samples(described, here.astype(np.float32), np.broadcast_to(label[None], here.shape))


def _origin(samples: Samples) -> Origin:
    points = samples.described.points
    return Origin(points[main(points)], samples.weight)
