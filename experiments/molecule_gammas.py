"""How much correction physics buys: effective gamma against physics time, beside what relaxation times predict.

    python experiments/molecule_gammas.py                       alanine dipeptide at 600 K, up to 1,280 gradients
    python experiments/molecule_gammas.py --links 32            up to 320 of them

Raw samples are real conformers that are wrong in two ways: basins (psi within 2 rad of 0 is three times as frequent as
it should be) and local spread (bonds and angles have .77 of their deviations). Trajectories of HMC, ten gradients each,
correct them. The audit measures gamma in the space of torsions and in that of bonds and angles. The prediction comes
from real conformers under the same kernel: gamma(k) = 1 / rho_k - 1, rho the autocorrelation of the function by which
the raw law is off: the basin, and the size of local deviations.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import audit, drawing
from selfloop.batch import uniform
from selfloop.correctors.markov import hmc, trace
from selfloop.domains.molecules import sets
from selfloop.domains.molecules.coordinates import Internal, fitted, prepared
from selfloop.domains.molecules.correctors.table import LEAPFROG
from selfloop.domains.molecules.geometry import dihedrals
from selfloop.domains.molecules.molecule import Molecule, molecule
from selfloop.domains.molecules.observe import circle
from selfloop.domains.molecules.physics import boltzmann, speeds
from selfloop.errors import TooNearError
from selfloop.figure import Figure
from selfloop.runs import record
from selfloop.runs.environment import compilation_cache
from selfloop.stability.mixing import gamma_at_lags

INNER, TIMES, SHRUNK = 2.0, 3.0, 0.77
"""Half width of the basin in psi; how much too frequent it is; the share of local deviations that is left."""
STEP = 0.033


class Spaces(NamedTuple):
    """Where audits look, and the functions that are followed along the kernel."""

    known: Molecule
    local: Internal

    def points(self, x: Array) -> dict[str, Array]:
        """Points by space."""
        z = self.local.forward(x)[:, : self.local.local]
        return {"torsions": circle(dihedrals(x, self.known.free)), "local": z}

    def functions(self, x: Array) -> Array:
        """Whether psi is in the basin, and the mean square of local coordinates [N, 2]."""
        inner = jnp.abs(dihedrals(x, self.known.free)[:, 1]) < INNER
        square = (self.local.forward(x)[:, : self.local.local] ** 2).mean(1)
        return jnp.stack([inner.astype(x.dtype), square], 1)


def wrong(spaces: Spaces, x: np.ndarray, count: int) -> Array:
    """Raw samples [count, A, 3]: real conformers, wrong as the module says."""
    inner = np.abs(np.asarray(dihedrals(jnp.asarray(x), spaces.known.free))[:, 1]) < INNER
    weight = np.where(inner, TIMES, 1.0)
    rows = np.random.default_rng(0).choice(len(x), count, p=weight / weight.sum(), replace=False)
    z = spaces.local.forward(jnp.asarray(x[rows]))
    return spaces.local.inverse(z.at[:, : spaces.local.local].multiply(SHRUNK))


def measured(spaces: Spaces, raw: Array, after: Array, reference: Array, k: int) -> list[dict]:
    """The effective gamma of what k gradients made of the raw samples, in each space."""
    rows, before, now, real = [], spaces.points(raw), spaces.points(after), spaces.points(reference)
    for space in before:
        row = {"space": space, "gradients": k, "gamma": None, "low": None, "high": None}
        fixed = uniform(now[space]), {"failed": jnp.zeros(len(after), bool)}
        try:
            found = audit(jax.random.key(0), lambda *_, fixed=fixed: fixed, uniform(before[space]),
                          uniform(real[space]), resamples=400)  # fmt: skip
            row |= {"gamma": found.gamma.value, "low": found.gamma.low, "high": found.gamma.high}
            row |= {"alignment": found.alignment.value}
        except TooNearError as error:
            row["refused"] = str(error)
        rows.append(row)
    return rows


def predicted(spaces: Spaces, seen: np.ndarray, lags: list[int]) -> list[dict]:
    """gamma of each function at each lag, from stationary traces [C, T, 2]."""
    rows = []
    for i, space in enumerate(("torsions", "local")):
        for lag, one in zip(lags, gamma_at_lags(seen[:, :, i], lags), strict=True):
            row = {"space": space, "gradients": lag * LEAPFROG, "predicted": one.value}
            rows.append(row | {"predicted_low": one.low, "predicted_high": one.high})
    return rows


def figure(rows: list[dict]) -> Figure:
    """Measured strengths beside the predicted ones, a panel a space."""
    drawn = drawing.blank(8.4, 3.4)
    for axes, space in zip(drawn.subplots(1, 2), ("torsions", "local"), strict=True):
        own = [row for row in rows if row["space"] == space]
        known = [row for row in own if row["gamma"] is not None]
        at, top = [row["gradients"] for row in own], 99.0
        ends = [np.minimum([row[f"predicted{end}"] for row in own], top) for end in ("", "_low", "_high")]
        axes.plot(at, ends[0], color=drawing.INK, linewidth=1, label="predicted: 1 / autocorrelation - 1")
        axes.fill_between(at, ends[1], ends[2], color=drawing.INK, alpha=0.15, linewidth=0)
        far = [[row["gamma"] - row["low"] for row in known], [min(row["high"], top) - row["gamma"] for row in known]]
        axes.errorbar([row["gradients"] for row in known], [row["gamma"] for row in known], yerr=np.maximum(far, 0),
                      fmt="o", capsize=3, color=drawing.colours(["physics"])["physics"], label="measured")  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("symlog", linthresh=0.1)
        drawing.style(axes, f"Effective gamma, {space}", "gradients a conformer")
    drawing.legend(drawn, 2)
    return drawn


def run(arguments: list[str]) -> Path:
    """The command; the path of its records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, default=128, help="trajectories of ten gradients")
    parser.add_argument("--samples", type=int, default=600, help="of each kind")
    parser.add_argument("--temperature", type=float, default=600.0)
    parser.add_argument("--out", type=Path, default=Path("runs/molecule_gammas.jsonl"))
    asked = parser.parse_args(arguments)
    compilation_cache()
    found = sets.shipped()
    known = molecule(found.field)
    spaces = Spaces(known, fitted(known, jnp.asarray(found.loop)))
    lengths = speeds(known.field, asked.temperature)
    kernel = hmc(boltzmann(known, asked.temperature), 1, STEP, LEAPFROG, lengths)
    raw, real = wrong(spaces, found.loop, asked.samples), jnp.asarray(found.loop[-asked.samples :])
    reference, batch, rows = jnp.asarray(found.reference[:1500]), uniform(jnp.concatenate([raw, real])), []
    link = jax.jit(lambda key, batch: trace(kernel, key, batch, spaces.functions, 1))
    lags, seen = [2**i for i in range(int(np.log2(asked.links)) + 1)], []
    for t in range(1, lags[-1] + 1):
        batch, functions = link(jax.random.fold_in(jax.random.key(1), t), batch)
        seen += [np.asarray(functions)[asked.samples :, i : i + 1] for i in ((0, 1) if t == 1 else (1,))]
        if t in lags:
            after = prepared(known, batch.x[: asked.samples])
            rows += measured(spaces, raw, after, reference, t * LEAPFROG)
            print(*rows[-2:], sep="\n", flush=True)
    forecast = predicted(spaces, np.concatenate(seen, 1), lags)
    rows = [row | next(one for one in forecast if one["space"] == row["space"] and one["gradients"] == row["gradients"])
            for row in rows]  # fmt: skip
    record.rewrite(asked.out, rows)
    drawing.save(asked.out.with_suffix(".png"), figure(rows))
    return asked.out


if __name__ == "__main__":
    print(run(sys.argv[1:]))
