"""What several claims are made of: loops measured once, models with populations, pairs of laws."""
