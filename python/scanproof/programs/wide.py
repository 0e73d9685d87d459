"""Execute a recorded program in a wider dtype than it was written for."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from scanproof.errors import NothingEstablished
from scanproof.foundation.seeds import seed_torch
from scanproof.programs.execute import _ANY_STRIDES, Calls, given_tensors, run
from scanproof.programs.field.calls import draws, packet
from scanproof.programs.field.solves import grouped
from scanproof.programs.garbage import without_gc
from scanproof.programs.program import Node, Program, Value, inexact, last_reads

_STEPS = {"sign", "sgn", "floor", "ceil", "round", "trunc", "heaviside", "empty"}
"""Operations that return whole numbers as floats, or memory: their results are those of the recording."""

_COMPARED = {"threshold_backward", "hardtanh_backward"}
"""Operations that only compare their second argument, so this argument stays as it was in the recording."""


def _grouped_mm(
    x: Tensor, y: Tensor, offs: Tensor | None = None, bias: Tensor | None = None, **_: Any
) -> Tensor:
    result = grouped(x, y, offs, torch.matmul)
    return result if bias is None else result + bias


_PLAIN: dict[Any, Callable[..., Any]] = {torch.ops.aten._grouped_mm.default: _grouped_mm}
"""What computes operations that have no kernel in float64."""


def run_wide(
    program: Program,
    inputs: Iterable[Tensor],
    dtype: torch.dtype = torch.float64,
    parameters: Mapping[int, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Run a program with every floating-point tensor in one dtype.

    Inputs, parameters, constants and results have this dtype, and casts between floating dtypes change
    nothing. Whole numbers, truth values and random numbers are those of a run as recorded, so masks and
    indices choose the same entries. Complex tensors have the complex dtype that fits.

    Args:
        program: the program.
        inputs: one tensor for each of ``program.inputs``, of its shape and dtype.
        dtype: the floating dtype.
        parameters: other tensors in place of parameters, by the numbers of their values.

    Returns:
        The outputs, by their paths in the result of the function.

    Raises:
        NothingEstablished: an operation cannot run in this dtype; the message names the operation.
    """
    calls: Calls = {}
    held = given_tensors(program, inputs)
    for index, tensor in (parameters or {}).items():
        held[index] = tensor
    wide: list[Any] = [None if tensor is None else _widened(tensor.detach(), dtype) for tensor in held]
    nodes = program.used
    kept = {value.index for value in program.outputs.values()}
    with torch.no_grad(), torch.random.fork_rng(), without_gc():
        seed_torch()
        for node, gone in zip(nodes, last_reads(nodes, kept), strict=True):
            run(node, held, calls)
            _run_wide(node, held, wide, dtype)
            for index in gone:
                held[index] = wide[index] = None
    return {path: wide[value.index] for path, value in program.outputs.items()}


@contextmanager
def _default(dtype: torch.dtype) -> Iterator[None]:
    """Let operations on whole numbers return floats of a dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _run_wide(node: Node, held: list[Any], wide: list[Any], dtype: torch.dtype) -> None:
    floats = any(value is not None and inexact(value.dtype) for value in node.outputs)
    steps = packet(node) in _STEPS and not any(value.dtype.is_complex for value in node.reads)
    if draws(node) or steps or not floats:
        results = [None if value is None else held[value.index] for value in node.outputs]
    else:
        results = _called(node, held, wide, dtype)
    for value, result in zip(node.outputs, results, strict=False):
        if value is not None and result is not None:
            whole = not inexact(value.dtype)
            wide[value.index] = held[value.index] if whole else _widened(result, dtype)


def _called(node: Node, held: list[Any], wide: list[Any], dtype: torch.dtype) -> list[Any]:
    def filled(arg: Any) -> Any:
        if isinstance(arg, Value):
            return wide[arg.index]
        if isinstance(arg, torch.dtype):
            return _wider(arg, dtype)
        return [filled(each) for each in arg] if isinstance(arg, list | tuple) else arg

    args, kwargs = [filled(arg) for arg in node.args], {key: filled(arg) for key, arg in node.kwargs.items()}
    if packet(node) in _COMPARED:
        args[1] = held[node.args[1].index].to(dtype)
    for number in node.writes:
        args[number] = args[number].clone()
    try:
        if node.op is torch.ops.aten.view.dtype:
            raise RuntimeError("it reads the bits of a float")
        with _default(dtype):
            result = (_PLAIN | _ANY_STRIDES).get(node.op, node.op)(*args, **kwargs)
    except (RuntimeError, NotImplementedError) as error:
        why = str(error).partition("\n")[0]
        raise NothingEstablished(f"{node.name} cannot run in {dtype}, {node.place}: {why}") from error
    return [*([result] if isinstance(result, Tensor) else result), *(args[number] for number in node.writes)]


def _wider(own: torch.dtype, dtype: torch.dtype) -> torch.dtype:
    if own.is_complex:
        return dtype.to_complex()
    return dtype if own.is_floating_point else own


def _widened(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(_wider(tensor.dtype, dtype))


def real_parts(results: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors by their paths, with two tensors, ``.real`` and ``.imag``, for a complex one."""
    found = {}
    for path, result in results.items():
        if result.is_complex():
            found[f"{path}.real"], found[f"{path}.imag"] = result.detach().real, result.detach().imag
        else:
            found[path] = result.detach()
    return found


ALLOWED = 1024
"""Rounding in float64 is taken to be at most this many times what float32 shows, scaled to float64."""


def differences(
    programs: tuple[Program, Program], inputs: Sequence[Tensor]
) -> dict[str, tuple[Tensor, float]]:
    """Return how far apart two programs are in float64, and how far apart rounding may carry them.

    The rounding of a program is estimated: each program runs in float32 and in float64, and rounding in
    float64 is taken to be ``ALLOWED * 2^-29`` times their greatest difference, and at least
    ``ALLOWED * 2^-53`` times the greatest entry.

    Args:
        programs: programs with the same outputs.
        inputs: one tensor for each input of both.

    Returns:
        By the path of each output of floating dtype, and of each part of a complex one: the difference of
        each entry, float64, and the rounding. An entry that is not finite counts as equal.

    Raises:
        NothingEstablished: an operation cannot run in float32 or in float64.
    """
    wide, narrow = (
        [real_parts(run_wide(program, inputs, dtype)) for program in programs]
        for dtype in (torch.float64, torch.float32)
    )
    return apart(wide, narrow)


def apart(
    wide: Sequence[Mapping[str, Tensor]], narrow: Sequence[Mapping[str, Tensor]]
) -> dict[str, tuple[Tensor, float]]:
    """Return what :func:`differences` returns, of two sides that ran in float64 and in float32."""
    found = {}
    for path, one in wide[0].items():
        if not inexact(one.dtype):
            continue
        errors = [
            max(
                _greatest(exact[path] - rounded[path].to(exact[path].dtype)) * 2.0**-29,
                _greatest(exact[path]) * 2.0**-53,
            )
            for exact, rounded in zip(wide, narrow, strict=True)
        ]
        sizes = (one - wide[1][path]).abs().nan_to_num(0.0, posinf=0.0).cpu()
        found[path] = sizes, ALLOWED * max(errors)
    return found


def _greatest(tensor: Tensor) -> float:
    sizes = tensor.abs()
    sizes = sizes[sizes.isfinite()]
    return float(sizes.max()) if sizes.numel() else 0.0
