"""Execute a recorded program with PyTorch."""

from collections.abc import Callable, Iterable
from math import nan
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor

from scanproof.foundation.seeds import seed_torch
from scanproof.programs.garbage import without_gc
from scanproof.programs.program import Node, Program, Value, last_reads

aten = torch.ops.aten

Calls: TypeAlias = dict[int, tuple[Callable[..., Any], bool]]
"""By the id of an operation: what calls it, and whether its results hold what was in memory before."""


def _as_strided(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    return x.contiguous().as_strided(*args, **kwargs)


def _as_strided_scatter(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    return torch.as_strided_scatter(x.contiguous(), *args, **kwargs)


_ANY_STRIDES: dict[Any, Callable[..., Any]] = {
    aten.view.default: aten.reshape.default,
    aten._unsafe_view.default: aten.reshape.default,
    aten.as_strided.default: _as_strided,
    aten.as_strided_scatter.default: _as_strided_scatter,
}
"""Views that depend on memory layout; the layout here may differ from that of the recording.

A strided view is recorded of contiguous tensors only.
"""

_UNWRITTEN = {"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"}
"""Operations whose results hold what was in memory before: by chance, just what another run wrote there."""


def execute(program: Program, inputs: Iterable[Tensor]) -> dict[str, Tensor]:
    """Run a program.

    Args:
        program: the program.
        inputs: one tensor for each of ``program.inputs``, of its shape and dtype.

    Returns:
        The outputs, by their paths in the result of the function. Values that Python saw, and random numbers,
        are those of the recording. For inputs that take the same path, the outputs are those of the function.
    """
    calls: Calls = {}
    held = given_tensors(program, inputs)
    nodes = program.used
    kept = {value.index for value in program.outputs.values()}
    with torch.no_grad(), torch.random.fork_rng(), without_gc():
        seed_torch()
        for node, gone in zip(nodes, last_reads(nodes, kept), strict=True):
            run(node, held, calls)
            for index in gone:
                held[index] = None
    return {path: held[value.index] for path, value in program.outputs.items()}


def given_tensors(program: Program, inputs: Iterable[Tensor]) -> list[Any]:
    """Return the tensors before the first operation, by the numbers of their values; None for the others."""
    held: list[Any] = [value.tensor for value in program.values]
    for value, tensor in zip(program.inputs, inputs, strict=True):
        held[value.index] = tensor
    return held


def called(op: Any) -> Callable[..., Any]:
    """Return what calls an operation: of an ``OpOverload``, what its method calls, which takes less time."""
    return cast("Callable[..., Any]", op._op if type(op) is torch._ops.OpOverload else op)


def _call(op: Any) -> tuple[Callable[..., Any], bool]:
    """Return what calls an operation here, and whether the results hold what was in memory before."""
    return called(_ANY_STRIDES.get(op, op)), getattr(op, "_opname", "") in _UNWRITTEN


def run(node: Node, held: Any, calls: Calls) -> None:
    """Run one operation.

    Args:
        node: the operation.
        held: the tensors by the numbers of their values; the outputs are added.
        calls: what calls the operations that ran before.
    """
    found = calls.get(id(node.op))  # an operation hashes slowly
    if found is None:
        found = calls[id(node.op)] = _call(node.op)
    call, unwritten = found
    args, filled = [], 0
    for arg in node.args:
        if arg.__class__ is Value:
            arg = held[arg.index]
            filled += 1
        args.append(arg)
    kwargs = node.kwargs
    if filled < len(node.reads):  # some are named, or within lists
        args = [_fill(arg, held) for arg in node.args]
        kwargs = {name: _fill(arg, held) for name, arg in kwargs.items()}
    for number in node.writes:
        args[number] = args[number].clone()
    result = call(*args, **kwargs) if kwargs else call(*args)
    output = node.outputs[0] if node.outputs else None
    if node.single and output is not None and not (unwritten or node.writes):
        held[output.index] = result
        return
    results = [result] if isinstance(result, Tensor) else list(result)
    if unwritten:
        results = [each.fill_(nan) if each.is_floating_point() else each.zero_() for each in results]
    results += [args[number] for number in node.writes]
    for value, each in zip(node.outputs, results, strict=False):
        if value is not None:
            held[value.index] = each


def _fill(arg: Any, held: Any) -> Any:
    if isinstance(arg, Value):
        return held[arg.index]
    return [_fill(each, held) for each in arg] if isinstance(arg, list | tuple) else arg
