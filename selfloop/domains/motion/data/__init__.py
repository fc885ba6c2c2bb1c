"""Motion capture: sources, skeleton, windows."""
