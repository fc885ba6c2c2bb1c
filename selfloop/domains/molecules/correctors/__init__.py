"""Correctors of molecules."""
