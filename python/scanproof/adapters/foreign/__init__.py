"""Functions of arrays, written with NumPy, JAX, MLX or ctypes, as functions of tensors for every check."""

from scanproof.adapters.foreign.function import foreign
from scanproof.adapters.foreign.libraries import foreign_jax, foreign_mlx

__all__ = ["foreign", "foreign_jax", "foreign_mlx"]
