"""Images in the loop: digits, fashion, and points in the plane."""
