"""Every stability theorem beside its measurement.

    python theory/verify.py                    all claims, under 10 minutes on 2 cores
    python theory/verify.py --quick            all claims with fewer chains and cases, 3 min
    python theory/verify.py --only NAME        one claim; may be given several times

Results: a table on screen, and in the folder --out a page (report.html), claims.json, environment.json and a figure a
claim. The exit code is 1 where a claim does not hold, 2 for bad input.
"""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

CLAIMS = (
    # infinitely many samples
    "bertrand_infinite",
    "ferbach_constant",
    "sharper_certificate",
    "hierarchy",
    "jacobian_well_specified",
    "jacobian_misspecified",
    "jacobian_mixture",
    "no_lambda_threshold",
    "k_norm",
    "reparametrisation",
    "exponential_global",
    "biased_corrector",
    # correctors
    "contraction_equalities",
    "contraction_inequalities",
    "contraction_geodesic",
    "contraction_semigroup",
    "contraction_transport",
    "likelihood_may_fall",
    "second_moments",
    "curation_growth",
    "curation_mixed",
    "verifier_threshold",
    "verifier_centre",
    "weak_labels",
    "negative_guidance",
    "temperature_death",
    "guidance_sharpening",
    "kernel_contraction",
    "kernel_rate",
    "kernel_ablations",
    # finitely many samples
    "gillman_bound",
    "gillman_corollary",
    "bertrand_finite",
    "kde_recursion",
    "hermite_limit",
    "score_discount",
    "safe_amount",
    "variation_phase",
    "conservation",
    "stationary_reuse",
    "stationary_fresh",
    "stationary_misspecified",
    "transient",
    "ordering",
    "subsample_plateau",
    "replace_growth",
    "correction_stops",
    "w2_growth",
    "log_drift",
    "golden_ratio",
    "ridge_golden",
    "attractor",
    "mean_square",
    "growing_samples",
    "accumulate_gaussian",
    "accumulate_shrinking",
    "accumulate_families",
    "accumulate_corrected",
    "accumulating_likelihood",
    "discrete_forgetting",
    "regression_workflows",
    "label_correction",
    "wrong_labels",
    "zipf_tails",
    "mad_loops",
    "w2_readout",
    "sandwich_covariance",
    "kernel_stationary",
    "pollution_variance",
    "pollution_families",
)
"""The claims, in the order of the table: each is the name of a file of this folder."""


@dataclasses.dataclass(frozen=True)
class VerifyConfig:
    """What is verified, and how thoroughly."""

    quick: bool = False
    """Fewer chains and cases."""
    only: tuple[str, ...] = ()
    """A claim's name; give it several times for several claims. None: all."""
    out: Path = Path("runs/theory")
    """Folder of the results."""


def parse(arguments: Sequence[str]) -> VerifyConfig:
    """The settings that the command line asks for."""
    import tyro

    return tyro.cli(
        Annotated[VerifyConfig, tyro.conf.UseAppendAction], args=list(arguments), description=__doc__.split("\n\n")[0]
    )


def run(config: VerifyConfig) -> bool:
    """Check the claims, show and write what was found; whether all hold."""
    from selfloop.report import figures
    from selfloop.runs.environment import environment
    from selfloop.runs.progress import progress, table
    from selfloop.runs.record import write_json
    from theory.frame import page
    from theory.frame.claim import FULL, QUICK
    from theory.frame.results import COLUMNS, described, examine, row

    provenance = environment()
    write_json(config.out / "environment.json", provenance)
    names = [name for name in CLAIMS if name in config.only or not config.only]
    results = []
    with progress(len(names), "claims") as tick:
        for name in names:
            tick(0, name)
            results.append(examine(name, QUICK if config.quick else FULL))
            figures.save(config.out / "figures" / f"{name}.png", results[-1].drawing, dpi=110)
            write_json(config.out / "claims.json", [described(result) for result in results])
            tick(1, name)
    page.write(config.out / "report.html", results, dataclasses.asdict(config), provenance)
    table([row(result) for result in results], COLUMNS)
    print(f"report: {config.out / 'report.html'}")
    return all(result.good for result in results)


def checked(config: VerifyConfig) -> int:
    """Verify, guarded from names that are none; the exit code."""
    from selfloop.cli.guard import one_of

    for name in config.only:
        one_of("--only", name, CLAIMS)
    with prepared():
        return 0 if run(config) else 1


def main() -> int:
    """Verify, and say in one line what stopped it if something did."""
    from selfloop.cli.guard import guarded

    return guarded(lambda: checked(parse(sys.argv[1:])), "stopped; claims.json holds what was checked")


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """Programs compiled lightly and kept, for claims that are run one after another."""
    _cache()
    with _lightly_compiled():
        yield


@contextlib.contextmanager
def _lightly_compiled() -> Iterator[None]:
    """A fifth less compilation, most of a cold run, for programs that run as fast.

    XLA reads it at its first compilation. Restored, as what other processes inherit would change their last bits.
    """
    before = os.environ.get("XLA_FLAGS")
    os.environ["XLA_FLAGS"] = f"--xla_backend_optimization_level=1 {before or ''}".strip()
    try:
        yield
    finally:
        del os.environ["XLA_FLAGS"]
        if before is not None:
            os.environ["XLA_FLAGS"] = before


def _cache() -> None:
    """Keep compiled programs, the small ones too: claims are made of many."""
    import jax

    from selfloop.runs.environment import compilation_cache

    compilation_cache()
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the repository: a script starts with its own folder
    sys.exit(main())
