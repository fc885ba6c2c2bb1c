"""Sums as strings: a second task of the language domain, whose right and wrong a program knows."""
