"""Functions of packages that launch Triton kernels, and the kernels of scanproof that they should refine."""
