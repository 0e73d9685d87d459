"""The census of real kernels: many cases of each, and what Triton's interpreter sees of memory."""
