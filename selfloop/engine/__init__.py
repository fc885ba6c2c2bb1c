"""The experiment engine: any domain, many chains, one folder of results."""
