"""Benchmark of the molecular force field: energies and forces of one core, beside RDKit's own MMFF94 in the same run.

Speeds are conformers a second of one core, from processor time: other work on the machine counts for both alike, as
the two take turns.
"""

import time
from collections.abc import Callable
from typing import Any

from benchmarks.measuring import row

GOAL, CONFORMERS, RUNS = 3.0, 1024, 5
"""Times RDKit's speed that is wanted; conformers of a call."""


def forces() -> list[dict[str, Any]]:
    """Energy and gradient of alanine dipeptide; no rows where there is no RDKit."""
    import jax
    import jax.numpy as jnp

    from selfloop.domains.molecules import parameters, sets
    from selfloop.domains.molecules.forcefield import energy_and_gradient
    from selfloop.errors import ConfigError

    try:
        chem = parameters.rdkit("the benchmark")
    except ConfigError as error:
        print(f"forces: left out; {error}")
        return []
    found = sets.shipped()
    x = found.loop[:CONFORMERS]
    given, ours = jnp.asarray(x), jax.jit(energy_and_gradient(found.field))
    jax.block_until_ready(ours(given))
    peer, listed = _peer(chem), [one.ravel().astype(float).tolist() for one in x]

    def theirs() -> None:
        for one in listed:
            peer.CalcEnergy(one)
            peer.CalcGrad(one)

    taken = [(_seconds(lambda: jax.block_until_ready(ours(given))), _seconds(theirs)) for _ in range(RUNS)]
    own, other = (CONFORMERS / min(times) for times in zip(*taken, strict=True))
    told = f"goal: {GOAL:g} times RDKit's {other:.0f}"
    return [
        row("energies and forces, RDKit", other, "conformers/core_s"),
        row("energies and forces", own, "conformers/core_s", told, own / (GOAL * other)),
    ]


def _peer(chem: Any) -> Any:
    """RDKit's force field of the shipped molecule, its atoms in the shipped order."""
    from rdkit.Chem import AllChem
    from rdkit.Chem import rdForceFieldHelpers as fields

    molecule = chem.AddHs(chem.MolFromSmiles("CC(=O)N[C@@H](C)C(=O)NC"))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    return fields.MMFFGetMoleculeForceField(molecule, fields.MMFFGetMoleculeProperties(molecule))


def _seconds(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
