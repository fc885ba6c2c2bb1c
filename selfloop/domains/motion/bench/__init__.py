"""The bench of motion correctors: what each does to each corruption of real motion."""
