"""Functions of real packages as implementations of kernels."""
