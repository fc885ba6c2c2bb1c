"""The diffusion model of motion, and the evaluator that judges it."""
