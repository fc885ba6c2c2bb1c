"""Correctors of images."""
