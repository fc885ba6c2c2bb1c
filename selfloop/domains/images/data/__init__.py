"""Real images: where they come from, and which part of the loop sees which."""
