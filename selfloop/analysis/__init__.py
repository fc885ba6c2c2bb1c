"""What a finished run says: pure functions of its records."""
