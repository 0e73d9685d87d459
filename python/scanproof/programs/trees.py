"""Tensors within tuples, lists, dicts and dataclasses, named by their paths."""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a tree and their paths, such as ``"[0]"`` or ``".logits"``; empty for a tensor."""
    if isinstance(tree, Tensor):
        yield path, tree
    else:
        for step, child in _children(tree):
            yield from leaves(child, f"{path}{step}")


def plain_leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the numbers, texts and truth values of a tree, and their paths."""
    if isinstance(tree, bool | int | float | complex | str):
        yield path, tree
    elif not isinstance(tree, Tensor):
        for step, child in _children(tree):
            yield from plain_leaves(child, f"{path}{step}")


def mapped(tree: Any, change: Callable[[str, Tensor], Tensor], path: str = "") -> Any:
    """Return a tree with ``change(path, tensor)`` in place of its tensors."""
    if isinstance(tree, Tensor):
        return change(path, tree)
    children = [(step, mapped(child, change, f"{path}{step}")) for step, child in _children(tree)]
    new = [child for _, child in children]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*new)
    if type(tree) in (tuple, list):
        return type(tree)(new)
    if isinstance(tree, Mapping) and not is_dataclass(tree):
        return dict(zip(tree, new, strict=True))
    if children:
        tree = copy(tree)
        for field, child in zip(fields(tree), new, strict=True):
            object.__setattr__(tree, field.name, child)
    return tree


def _children(tree: Any) -> list[tuple[str, Any]]:
    if is_dataclass(tree) and not isinstance(tree, type):
        return [(f".{field.name}", getattr(tree, field.name)) for field in fields(tree)]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return [(f".{name}", child) for name, child in zip(tree._fields, tree, strict=True)]
    if isinstance(tree, tuple | list):
        return [(f"[{number}]", child) for number, child in enumerate(tree)]
    if isinstance(tree, Mapping):
        return [(f"[{key!r}]", child) for key, child in tree.items()]
    return []
