"""Audit my corrector from three .npy files, without knowing JAX."""

import subprocess

import numpy as np

random = np.random.default_rng(0)
raw = random.normal(1.5, 1, (800, 3))  # what my generator makes
corrected = np.where(random.random((800, 1)) < 0.5, random.normal(size=(800, 3)), raw)  # what my corrector makes of it
real = random.normal(size=(800, 3))  # real samples that neither has seen
for name, samples in {"raw": raw, "corrected": corrected, "real": real}.items():
    np.save(f"{name}.npy", samples)

subprocess.run(["selfloop", "audit", "raw.npy", "corrected.npy", "real.npy"], check=True)
