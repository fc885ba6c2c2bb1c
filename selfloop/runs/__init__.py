"""A run and its folder: configuration, records, checkpoints, report."""
