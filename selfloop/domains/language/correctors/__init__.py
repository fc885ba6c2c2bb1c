"""Correctors of text."""
