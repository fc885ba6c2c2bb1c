"""Correctors: maps that repair, weigh or reject samples."""
