"""What a causality check accepts, and which outputs support a verdict.

A wrong call raises ``InvalidArgument``. A correct call whose outputs prove nothing is INCONCLUSIVE, for a
reason given here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from scanproof.errors import InvalidArgument
from scanproof.foundation.alignment import SAME, Alignment
from scanproof.foundation.selection import describe, how_to_select

SequenceMap = Callable[[Tensor], Any]
"""A map from one floating tensor to one tensor: a function, a module or a bound method."""


AxisName = Literal["seq", "batch"]


@dataclass(frozen=True)
class Axes:
    """The axes of positions and of examples; ``batch=None`` means that a tensor is one example.

    Negative numbers count from the last axis, so that an input and an output of different rank can share
    them.
    """

    seq: int
    batch: int | None

    def find(self, axis: AxisName, tensor: Tensor) -> int:
        """Return the axis of positions or of examples, counted from the front of ``tensor``."""
        number = self.seq if axis == "seq" else self.batch
        assert number is not None, "an input without a batch axis has no examples to look for"
        return number % tensor.dim()

    def greatest(self, sizes: Tensor, positions: Tensor) -> tuple[tuple[int, ...], float]:
        """Return index and size of the greatest entry; ``sizes`` holds only ``positions`` of a tensor."""
        index = [int(i) for i in torch.unravel_index(sizes.argmax(), sizes.shape)]
        size = sizes[tuple(index)].item()
        index[self.seq] = int(positions[index[self.seq]])
        return tuple(index), size

    def place(self, index: tuple[int, ...]) -> tuple[int | None, int, tuple[int, ...]]:
        """Return the example, the position and the channel (the other indices) of an index into a tensor."""
        named = {axis % len(index) for axis in (self.seq, self.batch) if axis is not None}
        channel = tuple(i for axis, i in enumerate(index) if axis not in named)
        return (None if self.batch is None else index[self.batch]), index[self.seq], channel


def check_tensor(check: str, fn: Callable[..., Any], x: Tensor, *, token_ids: bool = False) -> None:
    """Reject a callable or a tensor that ``check`` cannot handle, whatever its axes are.

    Raises:
        InvalidArgument: ``fn`` is not callable or drops out at random, or ``x`` is not a floating tensor (or,
            with ``token_ids``, an integer one) with at least one entry.
    """
    if not callable(fn):
        raise InvalidArgument(
            f"{check}: fn must be callable (a function or a module), got {type(fn).__name__}."
        )
    if not isinstance(x, Tensor):
        raise InvalidArgument(f"{check}: x must be a torch.Tensor, got {type(x).__name__}; convert it first.")
    if x.is_complex():
        raise InvalidArgument(
            f"{check}: x must be real, got {x.dtype}; pass torch.view_as_real(x) and undo it inside fn."
        )
    if token_ids and x.dtype == torch.bool:
        raise InvalidArgument(f"{check}: x must be floating or integer, got {x.dtype}; convert it first.")
    if not x.is_floating_point() and not token_ids:
        raise InvalidArgument(
            f"{check}: x must be a floating tensor, got {x.dtype}; token ids have no gradient, so check at "
            "their embeddings (fn, x = scanproof.adapters.embeddings.from_ids(model, ids)), or use "
            "check_perturbation or check_prefix."
        )
    if x.numel() == 0:
        raise InvalidArgument(
            f"{check}: x has no entries, its shape is {tuple(x.shape)}; pass a non-empty input."
        )
    reject_active_dropout(check, fn)


def check_input(check: str, fn: SequenceMap, x: Tensor, axes: Axes, *, token_ids: bool = False) -> None:
    """Reject a callable or an input that ``check`` cannot handle.

    Raises:
        InvalidArgument: as ``check_tensor``, or ``x`` does not have the named axes with at least two
            positions.
    """
    check_tensor(check, fn, x, token_ids=token_ids)
    check_axis_numbers(check, axes)
    check_axes(check, "x", x, axes)
    length = x.shape[axes.seq]
    if length < 2:
        raise InvalidArgument(
            f"{check}: x has {length} position along seq_dim={axes.seq}, its shape is {tuple(x.shape)}; "
            "causality needs T >= 2 (and T beyond the model's chunk size)."
        )


def check_axis_numbers(check: str, axes: Axes) -> None:
    """Reject axes that are not whole numbers.

    Raises:
        InvalidArgument: an axis is not a whole number.
    """
    for name, axis in (("seq_dim", axes.seq), ("batch_dim", axes.batch)):
        if not isinstance(axis, int) and (axis is not None or name == "seq_dim"):
            raise InvalidArgument(f"{check}: {name} must be the whole number of an axis of x, got {axis!r}.")


def check_axes(check: str, what: str, tensor: Tensor, axes: Axes) -> None:
    """Reject a tensor, which messages call ``what``, that does not have the named axes.

    Raises:
        InvalidArgument: an axis is out of range, or both are the same.
    """
    rank = tensor.dim()
    for name, axis in (("seq_dim", axes.seq), ("batch_dim", axes.batch)):
        if axis is not None and not -rank <= axis < rank:
            raise InvalidArgument(
                f"{check}: {what} has the wrong rank, its shape is {tuple(tensor.shape)} but {name}={axis}; "
                "reshape it or name its axes."
            )
    if axes.batch is not None and axes.find("seq", tensor) == axes.find("batch", tensor):
        raise InvalidArgument(
            f"{check}: seq_dim={axes.seq} and batch_dim={axes.batch} are the same axis of {what} with shape "
            f"{tuple(tensor.shape)}; name two axes, or pass batch_dim=None for an input without a batch axis."
        )


def check_output(
    check: str, y: Any, x: Tensor, axes: Axes, call: str = "fn(x)", alignment: Alignment = SAME
) -> Tensor:
    """Return ``y`` when it is a tensor whose positions and examples match those of ``x``.

    Raises:
        InvalidArgument: ``y`` is something else; ``call`` names what returned it.
    """
    if not isinstance(y, Tensor):
        raise InvalidArgument(
            f"{check}: {call} must return one tensor, got {describe(y)}; {how_to_select(y)}."
        )
    if y.is_complex():
        raise InvalidArgument(
            f"{check}: {call} must return a real tensor, got {y.dtype}; return torch.view_as_real of it."
        )
    check_axes(check, call, y, axes)
    expected, T = alignment.lengths(x.shape[axes.seq]), x.shape[axes.seq]
    if y.shape[axes.seq] not in expected:
        fits = (
            f"as many positions as its input along seq_dim={axes.seq}, got {y.shape[axes.seq]} for {T}; say "
            "which inputs each output may read by alignment= (Alignment.patches, stride, upsample, …), or "
            "pad or cut inside fn so that output t belongs to input t"
            if alignment == SAME
            else f"{' or '.join(map(str, expected))} positions along seq_dim={axes.seq} for {T} inputs under "
            f"{alignment!r}, got {y.shape[axes.seq]}; pass the alignment that fits"
        )
        raise InvalidArgument(f"{check}: {call} must have {fits}.")
    if axes.batch is not None and y.shape[axes.batch] != x.shape[axes.batch]:
        raise InvalidArgument(
            f"{check}: {call} must have as many examples as its input along batch_dim={axes.batch}, got "
            f"{y.shape[axes.batch]} for {x.shape[axes.batch]}; name the right batch_dim."
        )
    return y


def non_finite(y: Tensor, call: str = "fn(x)") -> str | None:
    """Say how many entries of ``y``, the output of ``call``, are not finite; None if all are finite."""
    wrong = ~y.isfinite()
    if not wrong.any():
        return None
    first = ", ".join(str(int(i)) for i in wrong.nonzero()[0])
    counts = f"{int(y.isnan().sum())} NaN and {int(y.isinf().sum())} infinite of {y.numel()} entries"
    return f"{call} holds {counts}, the first at index [{first}]; make it finite at this x"


def proves_nothing(y: Tensor, axes: Axes) -> str | None:
    """Say why the output ``y`` of ``fn(x)`` supports no verdict; None if it does."""
    if reason := non_finite(y):
        return reason
    examples = y[None] if axes.batch is None else y.movedim(axes.batch, 0)
    silent = (~examples.reshape(len(examples), -1).any(1)).nonzero().flatten().tolist()
    if not silent:
        return None
    where = "" if len(silent) == len(examples) else f" in example {silent[0]}"
    return f"fn(x) is identically zero{where}, so nothing could have leaked; choose other x or parameters"


def callable_name(fn: SequenceMap) -> str:
    """Return a short name of ``fn`` for messages."""
    if isinstance(fn, partial):
        return f"partial of {callable_name(fn.func)}"
    return getattr(fn, "__qualname__", type(fn).__name__)


def reject_active_dropout(check: str, fn: Callable[..., Any]) -> None:
    """Reject a module in train mode with active dropout: no check can judge random outputs.

    Raises:
        InvalidArgument: ``fn`` is, or is a method of, such a module; ``check`` names the caller.
    """
    module = module_of(fn)
    if module is None:
        return
    for name, rate in _active_dropout(module):
        raise InvalidArgument(
            f"{check}: {name} of {type(module).__name__} drops out at random (p={rate:g}) because the module "
            "is in train mode; call .eval() first."
        )


def module_of(fn: Callable[..., Any]) -> nn.Module | None:
    """Return the module that ``fn`` is or is a method of; None for any other function."""
    if isinstance(fn, partial):  # partials of partials are one
        fn = fn.func
    owner = getattr(fn, "__self__", fn)
    return owner if isinstance(owner, nn.Module) else None


def _active_dropout(module: nn.Module) -> Iterator[tuple[str, float]]:
    for name, child in module.named_modules():
        if isinstance(child, _DropoutNd):
            rates = [child.p]
        else:  # attention and recurrent layers hold a number: dropout, attention_dropout, dropout_p, …
            rates = [
                rate for key, rate in vars(child).items() if "dropout" in key and isinstance(rate, float)
            ]
        if child.training and max(rates, default=0.0) > 0:
            yield f"submodule {name!r}" if name else "the module itself", max(rates)
