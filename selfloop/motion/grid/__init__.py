"""A grid of motion loops: many lanes in one program, in blocks that are never computed twice; and its analysis."""
