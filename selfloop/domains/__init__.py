"""Domains: what an experiment is about. Each is one folder that fills in `engine.domain.Domain`."""
