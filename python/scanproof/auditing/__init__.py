"""One call that runs every check that applies to a model."""
