"""Properties from the schema of an operation: writes, shared memory, shapes that values decide."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tag

aten = torch.ops.aten

_COMPARISONS = {"eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "logical_not"}
_RENAMED = {"normal": "normal_functional"}
_METADATA = {"resize_", "resize_as_", "set_", "as_strided_"}
_UNDECLARED = {"aten.native_batch_norm.default": (3, 4), "aten.cudnn_batch_norm.default": (3, 4)}


@dataclass(frozen=True)
class Traits:
    """The properties of an operation that are known before it runs.

    Attributes:
        writes: indices of the positional arguments that the operation writes into.
        writes_out: names of the named arguments that the operation writes into.
        functional: the operation that returns what this operation writes; None if there is none.
        casts: whether ``functional`` may return another dtype than that of the written argument.
        views: whether the results share the memory of the first argument.
        reshapes: whether the operation changes the shape of its argument in place, as ``unsqueeze_`` does.
        refused: why the operation cannot be recorded; empty if it can be recorded.
        by_value: whether values decide the shape of the result, or the operation returns numbers to Python.
        random: whether the operation draws random numbers.
        filler: the number that the operation fills a tensor with, if it uses only the shape of its argument.
    """

    writes: tuple[int, ...]
    writes_out: tuple[str, ...]
    functional: Any
    casts: bool
    views: bool
    reshapes: bool
    refused: str
    by_value: bool
    random: bool
    filler: str


_FILLERS = {
    "zeros_like": "zeros",
    "new_zeros": "zeros",
    "zeros": "zeros",
    "ones_like": "ones",
    "new_ones": "ones",
    "ones": "ones",
    "full_like": "second",
    "new_full": "third",
    "full": "second",
    "empty": "nothing",
    "empty_like": "nothing",
    "empty_strided": "nothing",
    "empty_permuted": "nothing",
    "new_empty": "nothing",
    "new_empty_strided": "nothing",
}


def traits_of(op: Any) -> Traits:
    """Return the properties from the schema of an ``OpOverload``."""
    schema = op._schema
    name = op.overloadpacket.__name__
    written = [
        (number, argument)
        for number, argument in enumerate(schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    ]
    writes = tuple(number for number, argument in written if not argument.kwarg_only)
    writes = writes or _UNDECLARED.get(str(op), ())
    out = tuple(argument.name for _, argument in written if argument.kwarg_only)
    return Traits(
        writes=writes,
        writes_out=out,
        functional=_functional(op, name) if writes or out else None,
        casts=name.rstrip("_") in _COMPARISONS,
        views=not written and any(result.alias_info is not None for result in schema.returns),
        reshapes=Tag.inplace_view in op.tags and name not in _METADATA,
        refused=_refused(name),
        by_value=Tag.dynamic_output_shape in op.tags or Tag.data_dependent_output in op.tags,
        random=Tag.nondeterministic_seeded in op.tags,
        filler=_FILLERS.get(name, "") if op.namespace == "aten" and not written else "",
    )


def _refused(name: str) -> str:
    """Return why an operation cannot be recorded; empty if it can be recorded."""
    if name in _METADATA:
        return f"{name} changes the memory of a tensor"
    if any(kind in name for kind in ("sparse", "nested", "quantize_per")):
        return f"{name} works on sparse, nested or quantised tensors; use dense tensors"
    return ""


def _functional(op: Any, name: str) -> Any:
    """Return the operation that computes what ``op`` writes into its argument, or into ``out``."""
    if op.namespace != "aten":
        return None
    base = name.rstrip("_")
    overload = op._overloadname
    for packet in (_RENAMED.get(base, base), f"{base}_copy"):
        found = getattr(aten, packet, None)
        overloads = found.overloads() if found is not None else []
        for candidate in (overload, overload.removesuffix("_out"), overload.removesuffix("out"), *overloads):
            functional = getattr(found, candidate or "default", None)
            if functional is not None and functional is not op and _returns_what(functional, op):
                return functional
    return None


def _returns_what(functional: Any, op: Any) -> bool:
    """Whether an operation takes the arguments of ``op``, writes nothing, and returns what ``op`` writes."""
    ours, theirs = op._schema.arguments, functional._schema.arguments
    if any(argument.alias_info is not None and argument.alias_info.is_write for argument in theirs):
        return False
    written = sum(argument.alias_info is not None and argument.alias_info.is_write for argument in ours)
    wanted = [str(each.type) for each in ours if not (each.kwarg_only and each.alias_info is not None)]
    offered = [str(each.type) for each in theirs]
    return wanted == offered[: len(wanted)] and len(functional._schema.returns) == written
