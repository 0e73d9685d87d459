"""One call that runs every check that applies, and the command around it."""
