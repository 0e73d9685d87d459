"""Whether a function is the function of its spec, without a tolerance."""
