"""Execute a recorded program with PyTorch."""

from collections.abc import Iterable, Mapping
from math import nan
from typing import Any

import torch
from torch import Tensor

from scanproof.foundation.seeds import seed_torch
from scanproof.programs.garbage import without_gc
from scanproof.programs.program import Node, Program, Value

aten = torch.ops.aten

_ANY_STRIDES = {aten.view.default: aten.reshape.default, aten._unsafe_view.default: aten.reshape.default}
"""Views that depend on memory layout; the layout here may differ from that of the recording."""

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
    held: dict[int, Tensor] = {
        value.index: tensor for value, tensor in zip(program.inputs, inputs, strict=True)
    }
    held |= {value.index: value.tensor for value in program.values if value.tensor is not None}
    nodes = list(program.used())
    kept = {value.index for value in program.outputs.values()}
    last = {value.index: number for number, node in enumerate(nodes) for value in node.reads}
    with torch.no_grad(), torch.random.fork_rng(), without_gc():
        seed_torch()
        for number, node in enumerate(nodes):
            run(node, held)
            for value in node.reads:
                if last[value.index] == number and value.index not in kept:
                    held.pop(value.index, None)
    return {path: held[value.index] for path, value in program.outputs.items()}


def run(node: Node, held: dict[int, Tensor]) -> None:
    """Run one operation on tensors that are held by the numbers of their values, and hold the outputs."""
    args = _filled(node.args, held)
    kwargs = {name: _fill(arg, held) for name, arg in node.kwargs.items()} if node.kwargs else {}
    for number in node.writes:
        args[number] = args[number].clone()
    result = _ANY_STRIDES.get(node.op, node.op)(*args, **kwargs)
    results = [result] if isinstance(result, Tensor) else list(result)
    if getattr(node.op, "_opname", "") in _UNWRITTEN:
        results = [each.fill_(nan) if each.is_floating_point() else each.zero_() for each in results]
    results += [args[number] for number in node.writes]
    for value, each in zip(node.outputs, results, strict=False):
        if value is not None:
            held[value.index] = each


def _filled(args: Iterable[Any], held: Mapping[int, Tensor]) -> list[Any]:
    return [_fill(arg, held) for arg in args]


def _fill(arg: Any, held: Mapping[int, Tensor]) -> Any:
    if isinstance(arg, Value):
        return held[arg.index]
    return _filled(arg, held) if isinstance(arg, list | tuple) else arg
