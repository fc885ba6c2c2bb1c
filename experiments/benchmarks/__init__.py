"""What `speed` measures: one file a group of benchmarks, and their table.

Each benchmark is a function that returns rows of (name, value, unit, against, ratio), see `measuring.row`. Times are
the best of a few runs, since another program on the machine can only add to them; what is compared runs in turns.
Compile time is measured apart, without JAX's cache of compiled programs.
"""
