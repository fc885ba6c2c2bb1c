"""Molecules in the loop: conformers of one molecule under a force field, whose law is Boltzmann's."""
