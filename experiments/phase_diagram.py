"""Where the self-consuming loop is stable: theorems' frontiers on the measured rate, over lambda, gamma, n and d.

    python experiments/phase_diagram.py              100 x 100 (lambda, gamma) and two smaller planes: 2 min on 2 cores
    python experiments/phase_diagram.py --quick      the same in miniature: under a minute

The loop is a Gaussian's, its real data of the same family (eta = eps L / alpha = 0). Measured are, in every cell, the
rate at which an error shrinks per generation and the stationary error; memory does not grow with generations. Results:
a table on screen, and in the folder --out a page (report.html), a figure, phase_diagram.json and environment.json.
"""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from selfloop.cli.guard import positive, prepare, script

TITLE = "Where the loop is stable"
N = 50
"""Real points, where they are not an axis."""
GAMMA = 0.5
"""Strength of the correction, where it is not an axis."""
LAMBDA = 0.6
"""Synthetic points per real one, where they are not an axis."""
ETA = 1.0
"""The model error eps L / alpha of the dashed frontiers."""


@dataclass(frozen=True)
class PhaseConfig:
    """How fine the planes are, and how many chains there are in a cell."""

    size: int = 100
    """Cells a side of the (lambda, gamma) plane; the other two have a quarter of that a side, 8 at least."""
    seeds: int = 100
    """Chains a cell."""
    generations: int = 100
    """Generations of a chain."""
    quick: bool = False
    """16 cells a side, 32 seeds, 60 generations, whatever the three options above say."""
    seed: int = 0
    """Where all random numbers begin."""
    out: Path = Path("runs/phase_diagram")
    """Folder of the results."""


class Plane(NamedTuple):
    """Cells on two axes: ``x`` runs fastest. ``parts`` are its cells by dimension."""

    name: str
    x_name: str
    x: Any  # [X]
    y_name: str
    y: Any  # [Y]
    parts: list


def run(arguments: list[str]) -> Path:
    """Run what the command line asks for; the path of the page."""
    import tyro

    return made(tyro.cli(PhaseConfig, args=arguments, description=__doc__))


def made(config: PhaseConfig) -> Path:
    """Measure the planes; the path of the page. ConfigError for settings that cannot be."""
    if config.quick:
        config = replace(config, size=16, seeds=32, generations=60)
    positive(size=config.size, seeds=config.seeds, generations=config.generations)
    provenance = prepare(config.out)
    return report(config, measure(config), provenance)


def main_plane(size: int) -> Plane:
    """(lambda, gamma): m = 1 to 100 synthetic points beside n = 50, gamma 0 to 4."""
    import numpy as np
    from planes import Cells

    m, gamma = np.unique(np.linspace(1, 100, size).round().astype(np.int32)), np.linspace(0, 4, size, dtype=np.float32)
    cells = Cells(*_mesh(np.asarray([N], np.int32), m, gamma), 2)
    return Plane("lambda, gamma", "lambda", m / N, "gamma", gamma, [cells])


def side_planes(size: int) -> list[Plane]:
    """(lambda, n) at GAMMA and (gamma, d) at LAMBDA."""
    import numpy as np
    from planes import LARGEST, Cells

    n, lam = np.unique(np.geomspace(8, LARGEST, size).round().astype(np.int32)), np.linspace(0.125, 2, size)
    rows, columns = np.repeat(n, size), np.tile(lam, len(n))
    m = np.maximum((rows * columns).round(), 1).astype(np.int32)
    first = Cells(rows, m, np.full(len(m), GAMMA, np.float32), 2)
    gamma, dimensions = np.linspace(0, 2, size, dtype=np.float32), np.asarray([1, 2, 4, 8])
    count = np.asarray([round(LAMBDA * N)], np.int32)
    second = [Cells(*_mesh(np.asarray([N], np.int32), count, gamma), int(d)) for d in dimensions]
    return [
        Plane("lambda, n", "lambda", lam, "n", n, [first]),
        Plane("gamma, d", "gamma", gamma, "d", dimensions, second),
    ]


def _mesh(n: Any, m: Any, gamma: Any) -> list:
    """All combinations (n, m, gamma), gamma the slowest and m the fastest."""
    import numpy as np

    slow, middle, fast = np.meshgrid(gamma, n, m, indexing="ij")
    return [middle.ravel(), fast.ravel(), slow.ravel()]


def measure(config: PhaseConfig) -> list[tuple[Plane, Any, float]]:
    """Every plane, what was measured in its cells, and the seconds it took, compiling included."""
    import time

    from selfloop.runs.progress import progress

    every = [main_plane(config.size), *side_planes(max(config.size // 4, 8))]
    results = []
    with progress(sum(len(part.m) for plane in every for part in plane.parts), "cells") as tick:
        for plane in every:
            began = time.monotonic()
            found = fill(plane, config, lambda cells, name=plane.name: tick(cells, name))
            results.append((plane, found, time.monotonic() - began))
    return results


def fill(plane: Plane, config: PhaseConfig, tick: Callable[[int], None]) -> Any:
    """What was measured in all cells of a plane, `planes.Measured` of arrays [Y, X]."""
    import numpy as np
    import planes

    found = [planes.measure(part, config.seeds, config.generations, config.seed, tick) for part in plane.parts]
    shape = (len(plane.y), len(plane.x))
    return planes.Measured(*(np.concatenate(values).reshape(shape) for values in zip(*found, strict=True)))


def rows(config: PhaseConfig, results: list) -> list[dict[str, Any]]:
    """The table: a row a plane."""
    import numpy as np

    table = []
    for plane, found, seconds in results:
        count = found.rate.size * config.seeds * config.generations
        z = (found.rate - found.rate_exact) / found.rate_error
        z_s = np.log(found.s / found.s_exact) * found.s / found.s_error  # squares are skewed: their logarithm less so
        table.append(
            {
                "plane": plane.name,
                "cells": found.rate.size,
                "generations": count,
                "seconds": seconds,
                "generations/s": count / seconds,
                "largest rate": float(found.rate.max()),
                "rate: root mean square z": float(np.sqrt(np.mean(z**2))),
                "rate: largest |z|": float(np.abs(z).max()),
                "error: root mean square z": float(np.sqrt(np.mean(z_s**2))),
                "error: largest |z|": float(np.abs(z_s).max()),
            }
        )
    return table


def report(config: PhaseConfig, results: list, provenance: dict[str, Any]) -> Path:
    """Write phase_diagram.json, the figure and the page; print the table."""
    from phase_picture import CAPTION, draw

    from selfloop.report import figures, page
    from selfloop.runs.progress import table as show
    from selfloop.runs.record import write_json

    table = rows(config, results)
    settings = {key: value for key, value in asdict(config).items() if key != "out"}
    described = [
        {
            "plane": plane.name,
            plane.x_name: plane.x,
            plane.y_name: plane.y,
            **found._asdict(),
        }
        for plane, found, _ in results
    ]
    write_json(config.out / "phase_diagram.json", {"config": settings, "table": table, "planes": described})
    figure = draw([(plane, found) for plane, found, _ in results], GAMMA, LAMBDA, ETA)
    figures.save(config.out / "phase_diagram.png", figure)
    show(table, list(table[0]), TITLE)
    page.write(
        config.out / "report.html",
        TITLE,
        summary(results),
        settings,
        provenance,
        tables=[page.Table("Measured beside exact", list(table[0]), table, "z: (measured - exact) / standard error.")],
        plots=[page.Plot(figure, CAPTION)],
    )
    return config.out / "report.html"


def summary(results: list) -> list[str]:
    """What the planes show."""
    import numpy as np

    from selfloop.stability import rates

    (plane, found, _), *_ = results
    outside = ~np.asarray(rates.gillman_condition(plane.x[None], plane.y[:, None], 0.0))
    return [
        f"The measured rate is below 1 in every cell (largest {max(found.rate.max() for _, found, _ in results):.3f}): "
        "the loop is stable at every lambda, with or without correction.",
        f"The condition of Gillman et al.'s theorem, lambda (1 + eta) < (1 + gamma) / (2 + gamma), leaves "
        f"{outside.mean():.0%} of the (lambda, gamma) plane without a certificate though eta = 0; there the measured "
        f"rate is at most {found.rate[outside].max():.3f}."
        if outside.any()
        else "The condition of Gillman et al.'s theorem holds in every cell of the (lambda, gamma) plane.",
        "The rate is lambda / ((1 + lambda) (1 + gamma)): it depends neither on n nor on d, only the error does.",
    ]


if __name__ == "__main__":
    sys.exit(script(run))
