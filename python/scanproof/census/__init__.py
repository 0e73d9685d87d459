"""Every implementation that the adapters know, through every check that applies, as one table."""
