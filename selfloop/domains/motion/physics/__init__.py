"""A humanoid under physics, and the corrector made of it."""
