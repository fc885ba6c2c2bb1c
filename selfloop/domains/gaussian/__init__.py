"""The Gaussian domain: a loop whose every figure is known, in seconds."""
