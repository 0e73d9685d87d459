"""Test a recording: execute the program, and compare with the results of the function."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from scanproof.programs.execute import execute
from scanproof.programs.memory import copied, memory_of, places, shared_places
from scanproof.programs.program import Program
from scanproof.programs.reading import Executed
from scanproof.programs.record import plain_kernels
from scanproof.programs.trees import leaves, mapped

ROUNDINGS = 1 << 10
"""Allowed difference between two kernels, in unit roundoffs of the greatest entry."""


def compared(
    program: Program, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Executed:
    """Execute a program at new inputs, and compare with the function at these inputs.

    If values decide which operations run, or the function rejects new inputs, the inputs of the recording are
    used, and the function runs there again: a function that keeps a state may return something else. A kernel
    that PyTorch does not see, or a tensor that left the program and came back, shows as a difference.

    Args:
        program: the recording.
        fn: the function that was recorded.
        args: the inputs of the recording.
        kwargs: the inputs of the recording by name.
    """
    given = [tensor for _, tensor in leaves(args)] + [tensor for _, tensor in leaves(dict(kwargs))]

    def again(args: Any, kwargs: Any) -> dict[str, Tensor]:
        """Run the function, and undo its writes into tensors that it holds."""
        before = [(tensor, tensor.detach().clone()) for tensor in program.written]
        try:
            with plain_kernels(), torch.no_grad():
                results = {path: tensor.detach() for path, tensor in leaves(fn(*args, **kwargs))}
                return {path: tensor.clone() for path, tensor in results.items()}
        finally:
            for tensor, saved in before:
                tensor.detach().copy_(saved)

    def at_given(reason: str) -> Executed:
        difference, wrong = _greatest(program.results, execute(program, [each.detach() for each in given]))
        if not wrong:
            try:
                results = again(*mapped((args, dict(kwargs)), lambda _, tensor: copied(tensor)))
            except Exception as error:
                wrong = f"in a second run fn raised {type(error).__name__}: {error}"
            else:
                difference, differs = _greatest(program.results, results)
                wrong = differs and f"a second run at x returns something else: {differs}"
        return Executed(not wrong, difference, ("x",), wrong or reason)

    if program.departures:
        return at_given("values decide which operations run, so another input may take another path")
    others = {id(tensor): _other(tensor, number) for number, tensor in enumerate(given)}
    other_args, other_kwargs = mapped((args, dict(kwargs)), lambda _, tensor: copied(others[id(tensor)]))
    try:
        results = again(other_args, other_kwargs)
    except Exception as error:
        return at_given(f"at other inputs fn raised {type(error).__name__}: {error}")
    difference, wrong = _greatest(results, execute(program, [others[id(tensor)] for tensor in given]))
    return Executed(not wrong, difference, ("other numbers",), wrong)


def _other(tensor: Tensor, number: int) -> Tensor:
    """Return similar numbers with the strides of a tensor; entries that share memory have one number."""
    own = copied(tensor)
    numbers = shared_places(own)
    if numbers is None:
        return own.copy_(_similar(tensor, number))
    by_place = own.new_empty(int(numbers.max()) + 1)
    by_place[numbers.flatten()] = own.flatten()
    memory_of(own)[places(own) - int(own.storage_offset())] = _similar(by_place, number)[numbers]
    return own


def _similar(tensor: Tensor, number: int) -> Tensor:
    """Return similar numbers: new random signs, slightly changed magnitudes, ids in another order."""
    generator = torch.Generator().manual_seed(number)
    if tensor.is_floating_point():
        factors = 0.75 + torch.rand(tensor.shape, generator=generator) / 2
        factors *= torch.randint(2, tensor.shape, generator=generator) * 2 - 1
        return tensor.detach() * factors.to(tensor.device, tensor.dtype)
    if tensor.dtype == torch.bool or tensor.is_complex() or not tensor.dim():
        return tensor.detach().clone()
    order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
    return tensor.detach().flatten()[order].reshape(tensor.shape)


def _greatest(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> tuple[float, str]:
    """Return the greatest relative difference, and a sentence about it if rounding cannot explain it."""
    if one.keys() != other.keys():
        return float("inf"), "at other inputs the function returns other tensors"
    worst = 0.0
    for path, tensor in one.items():
        again, name = other[path], path or "the result"
        if tensor.shape != again.shape or tensor.dtype != again.dtype:
            return float("inf"), f"{name} has another shape or dtype than in the recorded program"
        if not tensor.numel() or torch.equal(tensor, again):
            continue
        wide = torch.complex128 if tensor.is_complex() else torch.float64
        a, b = tensor.to(wide), again.to(wide)
        finite = a.isfinite() & b.isfinite()
        if not torch.equal(a.isfinite(), b.isfinite()):
            return float("inf"), f"{name} is finite at other entries than in the recorded program"
        a, b = a[finite], b[finite]
        if not a.numel():
            continue
        difference = ((a - b).abs().max() / a.abs().max().clamp_min(1e-300)).item()
        worst = max(worst, difference)
        inexact = tensor.is_floating_point() or tensor.is_complex()
        if difference > (ROUNDINGS * torch.finfo(tensor.dtype).eps if inexact else 0):
            return worst, f"{name} differs from the result of the recorded program by {difference:.1e}"
    return worst, ""
