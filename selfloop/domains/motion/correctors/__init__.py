"""Correctors of motion beside physics: a filter, the nearest real motion, a learned prior, and chains of them."""
