"""Functions of real packages as implementations of the families' kernels."""
