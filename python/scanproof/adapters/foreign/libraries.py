"""Functions of JAX and of MLX as functions of tensors, with gradients by these libraries."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from scanproof.adapters.foreign.arrays import to_numpy
from scanproof.adapters.foreign.body import Pull
from scanproof.adapters.foreign.function import Foreign

VjpAt = Callable[[Callable[..., list[Any]], list[Any], list[Any]], Sequence[Any]]
"""From a function, where it is differentiated, and the cotangents of its results to the gradients."""


def foreign_jax(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of JAX arrays as a function of tensors; its gradients are those of ``jax.vjp``.

    Args:
        fn: the function, jitted or not. Its arguments and results are as in :func:`foreign`, with arrays of
            JAX. With tensors in float64, ``fn`` runs within ``jax.enable_x64``, so that float64 stays.

    Returns:
        The function of tensors.

    Raises:
        InvalidArgument: in a call of the function, as in :func:`foreign`.
        ImportError: JAX is not installed.
    """
    jax = import_module("jax")

    def to_array(tensor: Tensor) -> Any:
        return jax.numpy.asarray(to_numpy(tensor))

    def is_floating(leaf: Any) -> bool:
        return isinstance(leaf, jax.Array) and bool(jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating))

    def vjp(function: Callable[..., list[Any]], at: list[Any], cotangents: list[Any]) -> Sequence[Any]:
        _, pull = jax.vjp(function, *at)
        gradients: Sequence[Any] = pull(cotangents)
        return gradients

    return Foreign(fn, _pull(fn, is_floating, vjp), to_array, lambda: jax.enable_x64(True))


def foreign_mlx(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of MLX arrays as a function of tensors; its gradients are those of ``mx.vjp``.

    Args:
        fn: the function. Its arguments and results are as in :func:`foreign`, with arrays of MLX. With
            tensors in float64, ``fn`` runs on the CPU, because MLX has float64 nowhere else.

    Returns:
        The function of tensors.

    Raises:
        InvalidArgument: in a call of the function, as in :func:`foreign`.
        ImportError: MLX is not installed.
    """
    mx = import_module("mlx.core")

    def to_array(tensor: Tensor) -> Any:
        if tensor.dtype == torch.bfloat16:
            return mx.array(to_numpy(tensor.view(torch.int16))).view(mx.bfloat16)
        array = to_numpy(tensor)
        return mx.array(array, dtype=mx.float64) if tensor.dtype == torch.float64 else mx.array(array)

    def is_floating(leaf: Any) -> bool:
        return isinstance(leaf, mx.array) and bool(mx.issubdtype(leaf.dtype, mx.floating))

    def vjp(function: Callable[..., list[Any]], at: list[Any], cotangents: list[Any]) -> Sequence[Any]:
        gradients: Sequence[Any] = mx.vjp(function, at, cotangents)[1]
        return gradients

    return Foreign(fn, _pull(fn, is_floating, vjp), to_array, lambda: mx.stream(mx.cpu))


def _pull(fn: Callable[..., Any], is_floating: Callable[[Any], bool], vjp: VjpAt) -> Pull:
    """Return the vector-Jacobian product of a function, by that of a function of arrays alone."""

    def pull(
        args: tuple[Any, ...], kwargs: dict[str, Any], cotangents: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        leaves, spec = tree_flatten((args, kwargs))
        places = [place for place, leaf in enumerate(leaves) if is_floating(leaf)]

        def function(*arrays: Any) -> list[Any]:
            given = list(leaves)
            for place, array in zip(places, arrays, strict=True):
                given[place] = array
            own_args, own_kwargs = tree_unflatten(given, spec)
            return [leaf for leaf in tree_leaves(fn(*own_args, **own_kwargs)) if is_floating(leaf)]

        wanted = [leaf for leaf in tree_leaves(cotangents) if leaf is not None]
        found = dict(zip(places, vjp(function, [leaves[place] for place in places], wanted), strict=True))
        gradients: tuple[tuple[Any, ...], dict[str, Any]] = tree_unflatten(
            map(found.get, range(len(leaves))), spec
        )
        return gradients

    return pull
