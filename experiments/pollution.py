"""A polluted web: models publish beside humans, and the next models read what a crawler keeps.

    python experiments/pollution.py                    Gaussians and n-grams of verses, 3 seeds
    python experiments/pollution.py --preset smoke     the same in miniature

Gaussians: variance against (1 - s) / (1 - s T^2), hundreds of seeds. Text: bits a character against the detector's
true positive rate, for a crawler that looks back three steps and for one that reads all; families of equal quality; a
detector trained on the fly; a watermark's strength against its cost. Results: results.jsonl, a figure and a page. The
same command on the same --out continues a run that was stopped; more seeds may be asked for.
"""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from selfloop.cli.guard import positive, prepare, script

TITLE = "A polluted web"
DELTAS = (0.0, 0.5, 1.0, 2.0)
"""Strengths of the watermark."""


@dataclass(frozen=True)
class PollutionConfig:
    """A polluted web of Gaussians and of text."""

    preset: str = "default"
    """Where the defaults come from."""
    out: Path = Path("runs/pollution")
    """The folder of the results."""
    data: str | None = None
    """A text file, a document a line; None for the King James verses."""
    seeds: int = 3
    """Repetitions of every web of text."""
    chains: int = 400
    """Seeds of every web of Gaussians."""
    steps: int = 10
    """Steps of every web of text."""
    start: int = 5000
    """Human documents before there were models."""
    n: int = 5000
    """Documents that a model reads, at most."""
    published: int = 4000
    """Documents a step."""
    bits: int = 17
    """Tables of the n-grams have at most 2^bits rows."""


def default() -> PollutionConfig:
    """Thirteen webs of text, 3 seeds each."""
    return PollutionConfig()


def smoke() -> PollutionConfig:
    """The same in miniature."""
    return PollutionConfig(preset="smoke", out=Path("runs/pollution_smoke"), seeds=2, chains=50, steps=2, start=300,
                           n=300, published=200, bits=12)  # fmt: skip


PRESETS: dict[str, Callable[[], PollutionConfig]] = {"default": default, "smoke": smoke}


def scenarios(config: PollutionConfig) -> dict[str, Any]:
    """Webs of text by name."""
    from selfloop.domains.language.web import SAME, Scenario

    base = Scenario(published=config.published, n=config.n, fpr=0.05)
    filtered = base._replace(action="filter")
    found = {"pool, human only": base._replace(share=0.0)}
    for name, window in (("pool", None), ("window", 3)):
        found |= {f"{name}, none": base._replace(window=window)}
        found |= {f"{name}, filter {tpr}": filtered._replace(window=window, tpr=tpr) for tpr in (0.5, 0.9, 0.99)}
    found |= {"pool, reweight 0.9": base._replace(action="reweight", tpr=0.9)}
    found |= {"window, reweight 0.9": base._replace(action="reweight", tpr=0.9, window=3)}
    found |= {"pool, trained filter": filtered._replace(trained=True)}
    found |= {"window, 4 equal families": base._replace(window=3, families=4 * SAME)}
    found |= {"pool, 4 equal families": base._replace(families=4 * SAME)}
    return found


def gaussians(config: PollutionConfig) -> list[dict[str, Any]]:
    """The settled variance of every cell beside its closed forms."""
    import jax
    import numpy as np

    from selfloop.stability.pollution import gaussian_web, kept_share, stationary_variance

    rows, n, steps = [], 100, 80
    for temperature in (1.0, 0.9):
        for families in (1, 4):
            cells = [(published, tpr) for published in (0.5, 0.9) for tpr in (0.0, 0.5, 0.9, 0.99)]
            share = np.array([kept_share(published, tpr, 0.05) for published, tpr in cells], np.float32)

            def end(key: Any, s: Any, temperature: float = temperature, families: int = families) -> Any:
                web = gaussian_web(key, s, temperature, n, families, steps)
                return web.variance[-1].mean(), (web.mean[-1] ** 2).mean()

            keys = jax.random.split(jax.random.key(families), config.chains)
            found = jax.jit(jax.vmap(jax.vmap(end, (0, None)), (None, 0)))(keys, share)
            for (published, tpr), s, v, m in zip(cells, share, *map(np.asarray, found), strict=True):
                own = {"kind": "gaussian", "temperature": temperature, "families": families, "published": published}
                half = 1.96 * v.std(ddof=1) / np.sqrt(len(v))
                rows.append(
                    own
                    | {"tpr": tpr, "kept": float(s), "variance": float(v.mean()), "half": float(half)}
                    | {
                        "mean_square": float(m.mean()),
                        "predicted": stationary_variance(float(s), temperature, n, families),
                    }
                    | {"predicted_infinite": stationary_variance(float(s), temperature)}
                )
    return rows


def finished(config: PollutionConfig, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of webs that have all their steps, of watermarks and of Gaussians."""
    whole = {(row["web"], row["seed"]) for row in rows if row["kind"] == "web" and row["step"] == config.steps}
    return [row for row in rows if row["kind"] != "web" or (row["web"], row["seed"]) in whole]


def texts(config: PollutionConfig, rows: list[dict[str, Any]], keep: Callable[..., None]) -> None:
    """Keep a row a scenario, seed and step, and one a watermark's strength and seed, as they come; those of ``rows``
    are there already.
    """
    done = {(row["kind"], row.get("web"), row.get("delta"), row.get("seed")) for row in rows}
    import jax.numpy as jnp

    from selfloop.domains.language import text
    from selfloop.domains.language.alphabet import alphabet, encode
    from selfloop.domains.language.ngram import NgramConfig
    from selfloop.domains.language.watermark import watermark_row
    from selfloop.domains.language.web import Text, web
    from selfloop.errors import ConfigError

    corpus = text.load(config.data, "lines", 127)
    if len(corpus.train) <= config.start:
        raise ConfigError(f"--start is {config.start}; the train part holds {len(corpus.train)} documents: give fewer")
    known = alphabet((one for part in corpus[:3] for one in part), 63)
    tokens = [jnp.asarray(encode(known, part, 128)) for part in (corpus.train, corpus.heldout[:2000])]
    found = Text(tokens[0][: config.start], tokens[0][config.start :], tokens[1])
    sizes = NgramConfig(known.size, 128, bits=config.bits)
    for seed in range(config.seeds):
        for name, one in scenarios(config).items():
            if ("web", name, None, seed) not in done:
                every = web(seed, found, sizes, one, config.steps)
                made = [{"kind": "web", "web": name, "seed": seed} | row for row in every]
                keep(*made)
                print(f"seed {seed}: {name}: {made[-1]['bits']:.3f} bits", flush=True)
        for delta in DELTAS:
            if ("watermark", None, delta, seed) not in done:
                keep({"kind": "watermark", "seed": seed} | watermark_row(seed, found, sizes, delta, config.n))


def run(arguments: list[str]) -> Path:
    """Do what the command line asks for; the page."""
    config = parsed(arguments)
    for name in ("seeds", "chains", "steps", "n", "start", "published", "bits"):
        positive(**{name: getattr(config, name)})
    from selfloop.runs import record
    from selfloop.runs.resume import resume_or_start

    resume_or_start(config.out, config, extends=("seeds",), ignores=("out", "preset"))
    provenance, path = prepare(config.out), config.out / "results.jsonl"
    rows = finished(config, record.read(path))
    if not any(row["kind"] == "gaussian" for row in rows):
        rows += gaussians(config)
    record.rewrite(path, rows)
    texts(config, rows, partial(record.append, path))
    from pollution_page import report

    settings = {key: value for key, value in asdict(config).items() if key != "out"}
    return report(config.out, record.read(path), settings, provenance)


def parsed(arguments: list[str]) -> PollutionConfig:
    """The settings that the command line asks for; ConfigError for a preset that there is not."""
    import tyro

    from selfloop.cli.domains import preset_of
    from selfloop.cli.guard import one_of

    preset = preset_of(arguments) or "default"
    one_of("--preset", preset, tuple(PRESETS))
    return tyro.cli(PollutionConfig, args=arguments, default=PRESETS[preset](), description=__doc__)


if __name__ == "__main__":
    sys.exit(script(run, "report"))
