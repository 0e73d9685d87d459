"""Families of recurrences at the level of the kernels that people call, and the check against them."""
