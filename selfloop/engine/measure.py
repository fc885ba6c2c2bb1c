"""Measures of a run: every chain and generation, and real data, from what was kept of their samples.

They come after the run, so that a new measure needs no new run. Shapes: C chains, N samples a chain.
"""

import functools
import itertools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import metrics
from selfloop.digest import digest
from selfloop.engine import folder, scores
from selfloop.engine.domain import primary
from selfloop.engine.folder import Arrays, named
from selfloop.engine.scores import Origin, Reference, Row, Samples
from selfloop.metrics import moments
from selfloop.runs import files, record

DRAWS = 24
"""Random draws behind each line of real data: their mean is known to a fifth of one draw's spread."""
APART = 2
"""Real samples of a label for each that is asked for, from which on draws are without replacement."""
FILE, LINES = "measures.jsonl", "lines.json"


def measured(out: Path) -> list[Row]:
    """`measure_job` of every job in ``out``, as far as it has been run.

    Kept in ``measures.jsonl`` in the job's folder; measured again where it has grown, or the code that measures has
    changed, since.

    Raises:
        DataError: a file of the run that is absent or cannot be read.
    """
    return [row for rows in sorted((out / "jobs").glob("*/rows.jsonl")) for row in _kept(rows.parent)]


def write_metrics(out: Path) -> list[Row]:
    """Write metrics.jsonl, one line an arm, seed and generation (and setting, where there are several); its rows."""
    rows = measured(out)
    record.rewrite(out / "metrics.jsonl", rows)
    return rows


def _kept(home: Path) -> list[Row]:
    count = len(record.read(home / "rows.jsonl"))
    head, path = {"code": _digest(), "rows": count}, home / FILE
    if record.read(path)[:1] != [head]:
        record.rewrite(path, [head, *measure_job(home)])
    return record.read(path)[1:]


@functools.cache
def _digest() -> str:
    """A hash of the code that measures."""
    return digest((), (__file__, scores.__file__, *sorted(Path(metrics.__file__).parent.glob("*.py"))))


def measure_job(home: Path) -> list[Row]:
    """Every row of a job's ``rows.jsonl``, in the order of generations and chains, with its measures.

    In the primary space S: ``fid_S`` to the reference and its two parts, of the ``_mean`` and of the ``_covariance``;
    ``fid_infinity_S`` and ``kid_S``, which have no bias of the first order in 1/N; ``drift_mean`` and
    ``drift_covariance``, the parts of the Frechet distance to the chain's own generation 0; ``precision``, ``recall``,
    ``density``, ``coverage``; ``diversity_``, ``multimodality_``, ``within_`` and ``between_S``; ``modes_hit`` and
    ``modes_effective`` of the n real samples; of shares NAME ``entropy_NAME`` of their mean over its greatest, and
    ``within_NAME``, ``between_NAME`` recognised classes. Also ``fid_`` and ``diversity_`` of the other spaces, and the
    means of values. ``absent`` counts samples that were not finite and have no part. What was also observed after
    correction has `scores.summary` a second time, named ``corrected_*``, of those that did not fail.

    What a domain measures of all samples together, and of the model's state, has its own name.

    What is not a finite number is left out, and so is everything of chains that stopped, from that generation on.

    Raises:
        DataError: a file of the run that is absent or cannot be read.
    """
    out, n = home.parents[1], folder.read_job(home).n
    space, label = _primary(out, n), files.read_arrays(folder.data_folder(out, n) / "conditions.npz")["label"]
    reference = _reference(folder.real(out, n), _modes(out, n, space))
    rows = sorted(record.read(home / "rows.jsonl"), key=lambda row: (row["generation"], row["chain"]))
    origin, stopped, found = None, set(), []
    for t, group in itertools.groupby(rows, lambda row: row["generation"]):
        arrays = files.read_arrays(folder.observation_file(home, t))
        samples = _samples(arrays, label)
        origin = Origin(samples.spaces[space], samples.weight) if origin is None else origin
        values = scores.score(reference, samples, origin, space, int(label.max()) + 1)
        if "corrected/failed" in arrays:
            fixed = scores.score_corrected(reference, _samples(arrays, label, "corrected/"), space)
            values = [one | other for one, other in zip(values, fixed, strict=True)]
        numbers = named(arrays, "number")
        for row in group:
            stopped |= {row["chain"]} if "stopped" in row else set()
            chain = row["chain"]
            own = {name: float(value[chain]) for name, value in numbers.items() if np.isfinite(value[chain])}
            found.append(row if chain in stopped else row | own | values[chain])
    return found


def reference_lines(out: Path) -> dict[str, dict[str, Row]]:
    """What real samples of the loop's own law score when they are measured as samples are, by n (as text) and line.

    The line ``real``, and ``real, ARM`` of the same samples after an arm's corrector, the latter without
    numbers of all samples together. A line is a floor: it estimates
    the very functional that models are judged by, with as many samples N (``samples``), against the same reference, of
    a model whose law is that of real data. Each holds the mean of every measure over `DRAWS` random draws, their
    standard deviation in ``spread`` (how far one model's figure strays that way by chance alone), and ``distinct``, the
    number of real samples drawn from.

    They are asked for as models are: as many of every label as the evaluation's conditions ask for. A model never gets
    more backflips by chance, and a line that did would score worse than it for that alone.

    Of a label of which there are `APART` times as many real samples as are asked for, in a pool apart from the
    reference, a draw is without replacement: independent real samples. Of others, or where the reference is the pool
    itself (a small set), it is with replacement, a sample of the pool's own law: the same bias by N, and beside it the
    pool's finite size, or, where the reference is the pool, the score of a model that had learned exactly these
    samples; new real ones would score worse, by what no set so small can tell. (Half of a small set against its other
    half has neither the N nor the reference of the models, and comes out far above them.) Drift is from other real
    samples here.

    Kept in ``lines.json`` beside the samples, with what they were measured of and by; measured again where that is
    another.

    Raises:
        DataError: a file of the run that is absent or cannot be read.
    """
    found: dict[str, dict[str, Row]] = {}
    for home in sorted((out / "data").glob("n*"), key=lambda path: int(path.name[1:])):
        rest = {path.name: digest((), [path]) for path in sorted(home.glob("*.npz"))}
        head, path = {"code": _digest(), "spaces": folder.about(out)["spaces"], "files": rest}, home / LINES
        if not path.exists() or record.read_json(path)["of"] != head:
            record.write_json(path, {"of": head, "lines": _lines(out, int(home.name[1:]))})
        found[home.name[1:]] = record.read_json(path)["lines"]
    return found


def _lines(out: Path, n: int) -> dict[str, Row]:
    """`_line` of real samples, and of them after the correctors of arms."""
    home, pool = folder.data_folder(out, n), folder.real(out, n, "pool")
    kept = home / "numbers.npz"
    lines = {"real": _line(out, n, pool, pool, files.read_arrays(kept) if kept.exists() else {})}
    for path in sorted(home.glob("pool_*.npz")):
        lines[f"real, {path.stem.removeprefix('pool_')}"] = _line(out, n, files.read_arrays(path), pool)
    return lines


def _line(out: Path, n: int, arrays: Arrays, pool: Arrays, numbers: Arrays | None = None) -> Row:
    """Mean and spread of every measure over draws of the samples, which may be the pool or its correction."""
    space, label = _primary(out, n), arrays["label"]
    asked = files.read_arrays(folder.data_folder(out, n) / "conditions.npz")["label"]
    strata = _strata(label, asked)
    independent = bool(pool["apart"]) and all(len(held) >= APART * count for held, count in strata)
    draws = [_draw(np.random.default_rng(draw), strata, independent=independent) for draw in range(DRAWS)]
    one, other = (_drawn(arrays, np.stack(rows)) for rows in zip(*draws, strict=True))
    reference = _reference(folder.real(out, n), _modes(out, n, space))
    rows = scores.score(reference, one, Origin(other.spaces[space], other.weight), space, int(label.max()) + 1)
    # Draws without replacement share samples, which hides a part of what independent ones would differ by.
    shared = (1 - len(asked) / len(label)) ** 0.5 if independent else 1.0
    table = {name: np.array([row[name] for row in rows]) for name in rows[0] if all(name in row for row in rows)}
    table |= {name: found for name, found in (numbers or {}).items() if np.isfinite(found).all()}
    means = {name: float(values.mean()) for name, values in table.items()}
    spread = {name: float(values.std(ddof=1)) / shared for name, values in table.items()}
    return {"samples": len(asked), "distinct": len(label)} | means | {"spread": spread}


def _strata(label: np.ndarray, asked: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Of every label that is asked for: which samples have it, and how many are wanted. One that none has: any."""
    found = [(np.flatnonzero(label == one), int((asked == one).sum())) for one in np.unique(asked)]
    return [(held if len(held) else np.arange(len(label)), count) for held, count in found]


def _draw(
    random: np.random.Generator, strata: list[tuple[np.ndarray, int]], *, independent: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Which real samples are measured [N], and others [N], from which they have drifted."""
    one, other = [], []
    for held, count in strata:
        order = random.permutation(held) if independent else random.choice(held, 2 * count)
        one.append(order[:count])
        other.append(order[-count:])
    return np.concatenate(one), np.concatenate(other)


def _drawn(arrays: Arrays, rows: np.ndarray) -> Samples:
    """Real samples, in rows [C, N], as the samples of C chains."""
    return _samples({name: values[rows] for name, values in arrays.items() if values.ndim}, arrays["label"][rows])


def _primary(out: Path, n: int) -> str:
    return primary(folder.about(out)["spaces"], named(folder.real(out, n), "space"))


def _modes(out: Path, n: int, space: str) -> np.ndarray:
    return folder.real(out, n, "real")[f"space/{space}"]


_moments = jax.jit(moments)


def _reference(arrays: Arrays, modes: np.ndarray) -> Reference:
    points = {space: jnp.asarray(values) for space, values in named(arrays, "space").items()}
    group = jnp.asarray(arrays["group"]) if "group" in arrays else None
    return Reference(points, {space: _moments(values) for space, values in points.items()}, group, jnp.asarray(modes))


def _samples(arrays: Arrays, label: np.ndarray, prefix: str = "") -> Samples:
    """The samples of all chains in one generation, of labels [N] or [C, N]; weight 0 is failed or not finite."""
    spaces, values = named(arrays, "space", prefix), named(arrays, "value", prefix)
    here = np.all([np.isfinite(points).all(-1) for points in spaces.values()], 0)
    here &= ~arrays.get(prefix + "failed", np.zeros(here.shape, bool)).astype(bool)
    weight = arrays.get(prefix + "weight", np.ones(here.shape, np.float32)) * here
    shares = named(arrays, "share", prefix)
    return Samples(spaces, values, weight.astype(np.float32), np.broadcast_to(label, here.shape), shares)
