"""Table of the benchmarks: a new one is a function in a file of this folder and one row here."""

from benchmarks.grid import chains, grid
from benchmarks.language import ngram, transformer
from benchmarks.loops import diagram, official, pointwise, statistics
from benchmarks.molecules import forces
from benchmarks.physics import corrector
from benchmarks.processes import imports, verify

BENCHMARKS = {
    "statistics": statistics,
    "official": official,
    "pointwise": pointwise,
    "diagram": diagram,
    "verify": verify,
    "import": imports,
    "corrector": corrector,
    "forces": forces,
    "grid": grid,
    "chains": chains,
    "ngram": ngram,
    "transformer": transformer,
}
"""Every benchmark by its name on the command line."""
