"""Models that a loop fits and samples."""
