"""Test a recording: execute it, and compare with what the function returns."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from scanproof.programs.execute import execute
from scanproof.programs.program import Program
from scanproof.programs.reading import Executed
from scanproof.programs.record import plain_kernels
from scanproof.programs.trees import leaves, mapped

ROUNDINGS = 1 << 10
"""Unit roundoffs, beside the greatest entry, by which another kernel may round in another way."""


def compared(
    program: Program, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Executed:
    """Execute a program at other inputs than it was recorded at, and compare with the function there.

    Where values decide what is run, or the function takes no other inputs, it is executed at those recorded.

    A kernel that PyTorch does not see, or a tensor that left the program and came back, is a difference.

    Args:
        program: the recording.
        fn: the function that was recorded.
        args: its inputs.
        kwargs: its inputs by name.
    """
    given = [tensor for _, tensor in leaves(args)] + [tensor for _, tensor in leaves(dict(kwargs))]

    def at_given(reason: str) -> Executed:
        difference, wrong = _greatest(program.results, execute(program, [each.detach() for each in given]))
        return Executed(not wrong, difference, ("x",), wrong or reason)

    if program.departures:
        return at_given("values decide what is run, so another input may take another path")
    others = {id(tensor): _other(tensor, number) for number, tensor in enumerate(given)}
    other_args, other_kwargs = mapped((args, dict(kwargs)), lambda _, tensor: others[id(tensor)].clone())
    before = [(tensor, tensor.detach().clone()) for tensor in program.written]
    try:
        with plain_kernels(), torch.no_grad():
            results = {path: tensor.detach() for path, tensor in leaves(fn(*other_args, **other_kwargs))}
            results = {path: tensor.clone() for path, tensor in results.items()}
    except Exception as error:
        return at_given(f"at other inputs fn raised {type(error).__name__}: {error}")
    finally:
        for tensor, saved in before:
            tensor.detach().copy_(saved)
    difference, wrong = _greatest(results, execute(program, [others[id(tensor)] for tensor in given]))
    return Executed(not wrong, difference, ("other numbers",), wrong)


def _other(tensor: Tensor, number: int) -> Tensor:
    """Return other numbers of the same kind: signs drawn anew, sizes moved a little, ids in another order."""
    generator = torch.Generator().manual_seed(number)
    if tensor.is_floating_point():
        factors = 0.75 + torch.rand(tensor.shape, generator=generator) / 2
        factors *= torch.randint(2, tensor.shape, generator=generator) * 2 - 1
        return (tensor.detach() * factors.to(tensor.device, tensor.dtype)).contiguous()
    if tensor.dtype == torch.bool or tensor.is_complex() or not tensor.dim():
        return tensor.detach().clone()
    order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
    return tensor.detach().flatten()[order].reshape(tensor.shape)


def _greatest(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> tuple[float, str]:
    """Return the greatest difference beside the greatest entry, and what is wrong if it is no rounding."""
    if one.keys() != other.keys():
        return float("inf"), "at other inputs the function returns other tensors"
    worst = 0.0
    for path, tensor in one.items():
        again, name = other[path], path or "the result"
        if tensor.shape != again.shape or tensor.dtype != again.dtype:
            return float("inf"), f"{name} has another shape or dtype than the recorded program gives it"
        if not tensor.numel() or torch.equal(tensor, again):
            continue
        wide = torch.complex128 if tensor.is_complex() else torch.float64
        a, b = tensor.to(wide), again.to(wide)
        finite = a.isfinite() & b.isfinite()
        if not torch.equal(a.isfinite(), b.isfinite()):
            return float("inf"), f"{name} is finite elsewhere than the recorded program says"
        a, b = a[finite], b[finite]
        if not a.numel():
            continue
        difference = ((a - b).abs().max() / a.abs().max().clamp_min(1e-300)).item()
        worst = max(worst, difference)
        inexact = tensor.is_floating_point() or tensor.is_complex()
        if difference > (ROUNDINGS * torch.finfo(tensor.dtype).eps if inexact else 0):
            return worst, f"{name} is not what the recorded program computes: {difference:.1e} apart"
    return worst, ""
