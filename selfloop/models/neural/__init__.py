"""What neural models of several domains share."""
