"""Every causal language model of the installed transformers: read, then cut where reading does not decide."""
