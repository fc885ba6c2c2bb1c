"""The reference conformers of the molecule domain: Boltzmann's law at one temperature, by parallel tempering.

    python experiments/molecule_reference.py --out runs/reference              alanine dipeptide at 600 K
    python experiments/molecule_reference.py --smiles CCCC --out runs/butane   another molecule (needs RDKit)

Hamiltonian Monte Carlo at six temperatures, whose neighbours exchange conformers, in independent runs. Every run is
kept, so that a call that was stopped goes on with the next one. At the end: R-hat, effective sample sizes and each
run's means of energies and torsions, and a file of conformers that were drawn evenly from all runs. Effective sizes are
of the series at one temperature: exchange makes them short-sighted, so that the truth about slow torsions is how far
the runs' means are apart.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import uniform
from selfloop.correctors.markov import hmc
from selfloop.domains.molecules import parameters, sets
from selfloop.domains.molecules.coordinates import prepared
from selfloop.domains.molecules.forcefield import Parameters, energy
from selfloop.domains.molecules.geometry import dihedrals
from selfloop.domains.molecules.molecule import Molecule, molecule
from selfloop.domains.molecules.physics import BOLTZMANN, speeds
from selfloop.runs import record

TEMPERATURES = np.array([300.0, 380.0, 480.0, 600.0, 750.0, 950.0])
REPLICAS = 20
"""Of each temperature; exchanges pair them at random."""
TRAJECTORIES, LEAPFROG, STEP = 4, 12, 0.033
"""Between two snapshots; gradients of a trajectory; its step, in the unit of time in which kT is an energy and u (unit
of mass) a mass."""
BURN = 0.1
"""Share of a run that is dropped."""


def exchange(key: Array, x: Array, value: Array, beta: Array, odd: Array) -> Array:
    """Conformers x [T, R, A, 3] of energies [T, R] after neighbours at every other pair of temperatures have tried to
    change places, with probability min(1, exp((beta_i - beta_j)(E_i - E_j))).
    """
    key_pair, key_take = jax.random.split(key)
    partner = jax.random.permutation(key_pair, x.shape[1])
    for i in range(len(TEMPERATURES) - 1):
        gain = (beta[i] - beta[i + 1]) * (value[i] - value[i + 1, partner])
        taken = jnp.log(jax.random.uniform(jax.random.fold_in(key_take, i), gain.shape)) < gain
        taken &= (i % 2) == odd
        low, high = x[i], x[i + 1, partner]
        swap = taken[:, None, None]
        x = x.at[i].set(jnp.where(swap, high, low)).at[i + 1, partner].set(jnp.where(swap, low, high))
    return x


def snapshots(field: Parameters, seed: int, count: int) -> np.ndarray:
    """One run: conformers [count, T, R, A, 3] of all temperatures."""
    size = len(TEMPERATURES) * REPLICAS
    kelvin = jnp.repeat(jnp.asarray(TEMPERATURES, jnp.float32), REPLICAS)
    of, beta = energy(field), 1 / (BOLTZMANN * jnp.asarray(TEMPERATURES, jnp.float32))
    move = hmc(lambda x: -of(x) / (BOLTZMANN * kelvin), 1, STEP, LEAPFROG, speeds(field, 600.0))

    def turn(x: Array, key: Array) -> tuple[Array, Array]:
        key_move, key_swap, key_odd = jax.random.split(key, 3)
        after, info = move(key_move, uniform(x), None)
        grid = after.x.reshape(len(TEMPERATURES), REPLICAS, *x.shape[1:])
        value = of(after.x).reshape(grid.shape[:2])
        grid = exchange(key_swap, grid, value, beta, jax.random.bernoulli(key_odd).astype(jnp.int32))
        return grid.reshape(x.shape), info["accepted"].reshape(grid.shape[:2]).mean(1)

    @jax.jit
    def several(key: Array, x: Array) -> tuple[Array, Array]:
        return jax.lax.scan(turn, x, jax.random.split(key, TRAJECTORIES))

    x = jnp.broadcast_to(jnp.asarray(field.minimum, jnp.float32), (size, field.atoms, 3))
    kept = np.empty((count, len(TEMPERATURES), REPLICAS, field.atoms, 3), np.float32)
    for t in range(count):
        x, accepted = several(jax.random.fold_in(jax.random.key(seed), t), x)
        kept[t] = np.asarray(x).reshape(kept.shape[1:])
        if t % 50 == 0:
            print(f"run {seed}, snapshot {t}: accepted {np.round(np.asarray(accepted).mean(0), 2)}", flush=True)
    return kept


def functions(known: Molecule, x: np.ndarray) -> dict[str, np.ndarray]:
    """What convergence is judged by, [snapshots, R] each: energy, free torsions, the rare basin."""
    flat = jnp.asarray(x.reshape(-1, *x.shape[2:]))
    found = {"energy": energy(known.field)(flat)}
    for name, angle in zip(known.names, dihedrals(flat, known.free).T, strict=True):
        found |= {f"cos {name}": jnp.cos(angle), f"sin {name}": jnp.sin(angle)}
    if known.rare is not None:
        found["rare"] = (dihedrals(flat, known.free)[:, known.rare] > 0).astype(jnp.float32)
    return {name: np.asarray(value).reshape(x.shape[:2]) for name, value in found.items()}


def convergence(known: Molecule, runs: list[np.ndarray]) -> dict[str, dict]:
    """Split R-hat and effective sample size over the runs' replicas, and the mean in each run."""
    from blackjax.diagnostics import effective_sample_size, potential_scale_reduction

    each = [functions(known, run) for run in runs]
    told = {}
    for name in each[0]:
        half = len(runs[0]) // 2
        chains = np.concatenate([part for one in each for part in (one[name][:half].T, one[name][half : 2 * half].T)])
        told[name] = {
            "apart": float(np.std([one[name].mean() for one in each], ddof=1)) if len(each) > 1 else None,
            "r_hat": float(potential_scale_reduction(chains)),
            "effective": float(effective_sample_size(chains)),
            "means": [float(one[name].mean()) for one in each],
        }
    return told


def drawn(known: Molecule, run: np.ndarray, count: int, seed: int) -> np.ndarray:
    """``count`` conformers of one run, evenly through it, prepared, of the molecule's own form alone."""
    flat = run.reshape(-1, *run.shape[2:])
    x = np.asarray(prepared(known, jnp.asarray(flat)))
    x = x[np.asarray(known.own_form(jnp.asarray(flat)))]
    rows = np.linspace(0, len(x) - 1, count).round().astype(int)
    print(f"{len(flat) - len(x)} of {len(flat)} conformers have another form and are left out")
    return x[np.random.default_rng(seed).permutation(rows)]


def run(arguments: list[str]) -> Path:
    """The command; the path of the file of conformers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smiles", default="", help="a molecule; without it the one that is shipped")
    parser.add_argument("--temperature", type=float, default=600.0, choices=list(TEMPERATURES))
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--snapshots", type=int, default=700)
    parser.add_argument("--each", type=int, default=3000, help="conformers that are kept of each run")
    parser.add_argument("--out", type=Path, default=Path("runs/molecule_reference"))
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    path = asked.out / "parameters.json"
    if not path.exists():
        field = parameters.of_smiles(asked.smiles) if asked.smiles else parameters.read(sets.PARAMETERS)
        parameters.write(path, field)
    field, at = parameters.read(path), int(np.argmin(abs(TEMPERATURES - asked.temperature)))
    for seed in range(asked.runs):
        kept = asked.out / f"run_{seed}.npy"
        if not kept.exists():
            np.save(kept, snapshots(field, seed, asked.snapshots)[:, at])
    found = [np.load(asked.out / f"run_{seed}.npy") for seed in range(asked.runs)]
    found = [one[int(BURN * len(one)) :] for one in found]
    known = molecule(field)
    told = convergence(known, found)
    for name, row in told.items():
        print(
            f"{name:<12}R-hat {row['r_hat']:.3f}  effective {row['effective']:.0f}  means {np.round(row['means'], 4)}"
        )
    record.write_json(asked.out / "convergence.json", told)
    parts = [drawn(known, one, asked.each, seed) for seed, one in enumerate(found)]
    # In turns: both halves of the file, the loop's and the judges', hold as many of every run.
    sets.pack(asked.out / "conformers.xz", np.stack(parts, 1).reshape(-1, *parts[0].shape[1:]))
    return asked.out / "conformers.xz"


main = partial(run, sys.argv[1:])

if __name__ == "__main__":
    print(main())
